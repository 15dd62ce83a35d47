// Pen marks on a slide.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

/// Masks of 0 and 1.
struct Ink {
  cv::Mat area;      ///< Taken for ink.
  cv::Mat doubtful;  ///< What might as well be a stain, or ink: some of it is in `area`.
};

/// Finds ink by what stains do not do. Ink on glass is even: its density varies by a small part of
/// what the tissue's does, whatever its colour. Over tissue, where that shows through, ink is known
/// by a colour that stains seldom have (blue, green, red, orange, black), in pieces as wide as a
/// pen, beside more tissue of another colour; and by the colour of a stroke on the glass beside it.
/// Strokes too thin to tell whether they are even are known by a colour that the section seldom
/// has, or by being of one dye, whose colour has one direction, beside a section stained with
/// several. `density` is CV_32FC3, the optical density over the glass in red, green and blue; `um`
/// a pixel's side.
Ink find_ink(const cv::Mat& density, double um);

}  // namespace untiled
