// Pictures of what the training will be told about each slide.
#pragma once

#include <filesystem>

#include "app/pipeline/slide_set.h"
#include "lib/config/settings.h"

namespace untiled {

/// Writes a PNG called as the slide, of which very long names are shortened, into `folder`: the
/// slide beside itself tinted by its labels' classes, with ignored pixels dark; `input.labels` must
/// be made. Pixels without data, which training ignores too, have the colour of their label. Warns
/// where all that is looked at is ignored. Throws DataError, Interrupted.
void write_label_overlay(const std::filesystem::path& folder, const Settings& settings,
                         const SlideInput& input);

}  // namespace untiled
