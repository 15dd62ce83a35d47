// Colours of classes whose settings name none.
#pragma once

#include <vector>

#include "lib/core/class_settings.h"

namespace untiled {

/// Gives each class of `classes` at a position of `uncolored` a colour that no other one has and
/// that the eye tells from theirs, the same for the same classes each time.
void give_distinct_colors(std::vector<ClassSettings>& classes,
                          const std::vector<size_t>& uncolored);

}  // namespace untiled
