// Which pieces of a mask look like tissue, by shape, colour and texture.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

/// What is known of the picture, pixel by pixel as the mask.
struct PieceEvidence {
  const cv::Mat& light;   ///< CV_32F, signed difference in brightness from the background.
  const cv::Mat& colour;  ///< CV_32F, length of the difference in colour.
  const cv::Mat& flat;    ///< 0 and 1, as smooth as the background; empty: unknown.
  const cv::Mat& smooth;  ///< The same from block to block too.
  bool dark = false;      ///< The background is.
  double um = 1;          ///< Micrometres per pixel.
};

/// Without pieces that are small or thin and pale, smooth rectangles at the picture's border, and
/// smudges and dirt. `mask` is of 0 and 1.
cv::Mat tissue_pieces(const cv::Mat& mask, const PieceEvidence& evidence);

}  // namespace untiled
