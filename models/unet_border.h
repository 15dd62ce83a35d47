// Where the U-Net's way back up ends before the border of a slide.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/network/model_settings.h"

namespace untiled {

/// Of the `stride` rows of a level that lie beside a row of the level below, how many at the lower
/// border get nothing from it, and columns at the right one likewise: the transposed convolution of
/// that row ends before them, and there is no next row. 0 where up_kernel >= 2 stride - 1.
int64_t unreached_rows(const ModelSettings& settings);

/// What that means and what to set, for people; nothing where all rows are reached.
std::optional<std::string> find_unreached_border(const ModelSettings& settings);

}  // namespace untiled
