// What the training will be told about each slide, with pictures of it.
#pragma once

#include <filesystem>

#include "app/config/settings.h"
#include "app/pipeline/slide_set.h"

namespace untiled {

/// Makes the labels of all slides, and when all are sound draws them: one PNG a slide into
/// `pictures` (empty: none), called as the slide, of which very long names are shortened. It shows
/// the slide beside itself tinted by its labels' classes, with ignored pixels dark; pixels without
/// data, which training ignores too, have the colour of their label. Warns where all that is looked
/// at is ignored, and of classes that no slide has. Throws DataError, also where no class has a
/// pixel in any label for training; ConfigError, Interrupted.
void make_all_labels(const Settings& settings, SlideSets& sets,
                     const std::filesystem::path& pictures);

}  // namespace untiled
