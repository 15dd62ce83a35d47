// Glass of more than one colour: where mounting medium ends, where a scanner filled what it left
// out.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "data/tissue/blocks.h"

namespace untiled {

/// One of the colours that the glass has in a picture.
struct Pane {
  cv::Mat surface;       ///< CV_32FC3, a block a pixel: its colour everywhere.
  cv::Mat blocks;        ///< 0 and 255: blocks that show it.
  bool is_film = false;  ///< Does not reach the picture's border, as a film of adhesive.
};

/// Areas of blocks that are as smooth as most of `glass` is, each by itself and from one to the
/// next, whatever their colour. Masks are 0 and 255.
cv::Mat smooth_blocks(const Blocks& blocks, const cv::Mat& glass);

/// Large areas of `smooth` beside `glass` that are as smooth as it and not much darker or of much
/// more colour: of hardly any where they do not reach the picture's border.
std::vector<Pane> other_panes(const Blocks& blocks, const cv::Mat& glass, const cv::Mat& smooth);

}  // namespace untiled
