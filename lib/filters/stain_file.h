// Stains that were measured once and are kept for other slides.
#pragma once

#include <filesystem>

#include "lib/filters/stains.h"

namespace untiled::filters {

/// Two stains of unit length that can be told apart, and concentrations above 0.
bool are_sound(const Stains& stains);

/// JSON, whose numbers give the same bits again. Throws DataError.
void write_stains(const std::filesystem::path& path, const Stains& stains);
/// Throws DataError naming the file and what is wrong with it.
Stains read_stains(const std::filesystem::path& path);

}  // namespace untiled::filters
