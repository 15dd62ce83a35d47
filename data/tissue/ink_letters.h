// Letters and thin strokes of pens.
#pragma once

#include <opencv2/core.hpp>

#include "data/tissue/ink.h"
#include "data/tissue/ink_density.h"

namespace untiled {

/// Letters and thin strokes, whose inside is too narrow to tell whether it is even: thin pieces on
/// the glass, each of one colour, which what lies elsewhere seldom has, or of one dye.
/// They are added to `ink`; `um` is a pixel's side.
void add_letters(const cv::Mat& density, const InkDensities& d, const InkGround& ground, double um,
                 Ink& ink);

}  // namespace untiled
