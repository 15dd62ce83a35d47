// Pictures of what the training will be told about each slide.
#pragma once

#include <filesystem>

#include "app/pipeline/slide_set.h"
#include "lib/config/settings.h"

namespace untiled {

/// Writes `file`, a PNG: the slide beside itself tinted by its labels' classes, with ignored pixels
/// dark, as training reads them; `input.labels` must be made. Throws DataError, Interrupted.
void write_label_overlay(const std::filesystem::path& file, const Settings& settings,
                         const SlideInput& input);

}  // namespace untiled
