// What a picture of a slide looks like where nothing lies on the glass.
#pragma once

#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "data/tissue/panes.h"

namespace untiled {

/// Found on blocks of the picture. Colours are of 0 to 255.
struct Background {
  cv::Mat surface;            ///< CV_32FC3, a block a pixel: the background's colour everywhere.
  cv::Mat blocks;             ///< 0 and 1: blocks that show it.
  cv::Mat flat;               ///< 0 and 1: blocks as smooth as it.
  cv::Mat smooth;             ///< 0 and 1: areas as smooth as bright glass; empty of a dark one.
  std::vector<Pane> panes;    ///< Glass of other colours beside it.
  int block = 8;              ///< Pixels a side of a block.
  cv::Vec3f colour;           ///< Of the piece that it was found in.
  double noise = 0;           ///< Standard deviation within the smoothest blocks.
  bool is_quantised = false;  ///< JPEG took the noise away.
  double covered = 0;         ///< Blocks that show it, over those with data.
  double brighter = 0;        ///< Blocks that are clearly brighter, over those with data.

  bool is_dark() const;
  /// Largest minus smallest channel of `colour`.
  double colour_spread() const;
};

/// Looks for the largest smooth, near-neutral part, the brightest such, or the darkest where little
/// is bright; fits a polynomial and the smoothed rest through it, and lets it grow over what agrees
/// with that, so that uneven light is followed. Faint stain that agreed with it is left out, and
/// glass of other colours beside it found. `rgb` is 8-bit, `valid` 0 and 1. Nothing where no part
/// is smooth enough.
std::optional<Background> find_background(const cv::Mat& rgb, const cv::Mat& valid);

}  // namespace untiled
