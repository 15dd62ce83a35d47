// Probabilities as files hold them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "lib/output/bigtiff_writer.h"

namespace untiled {

/// Throws DataError naming the file where a value is not finite.
void require_finite(const std::filesystem::path& file, std::span<const float> probabilities);

/// round(255 p), or the floats' bytes.
std::vector<uint8_t> to_samples(std::span<const float> probabilities, SampleType type);

}  // namespace untiled
