// Glass of more than one colour: where mounting medium ends, where a scanner filled what it left
// out.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "data/tissue/blocks.h"

namespace untiled {

/// One of the colours that the glass has in a picture.
struct Pane {
  cv::Mat surface;  ///< CV_32FC3, a block a pixel: its colour everywhere.
  cv::Mat blocks;   ///< 0 and 255: blocks that show it.
};

/// Large areas beside `glass` that reach the picture's border, are as smooth as it and not much
/// darker or of much more colour. `glass` is 0 and 255.
std::vector<Pane> other_panes(const Blocks& blocks, const cv::Mat& glass);

}  // namespace untiled
