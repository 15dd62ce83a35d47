// Faint stain among blocks that agree with the glass closely enough to be taken for it.
#pragma once

#include <opencv2/core.hpp>

#include "data/tissue/blocks.h"

namespace untiled {

/// Blocks of another colour than the glass has, in areas that end with a step and are darker than
/// what is around them: 0 and 255. The light may change over the picture in brightness and, slowly,
/// in colour. `glass` are the blocks that were taken for glass, 0 and 255.
cv::Mat stained_blocks(const Blocks& blocks, const cv::Mat& glass);

}  // namespace untiled
