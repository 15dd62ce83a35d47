#include "data/tissue/panes.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "data/tissue/quantile.h"
#include "data/tissue/surface.h"

namespace untiled {
namespace {

cv::Mat inner_part(const cv::Mat& area) {
  cv::Mat inner;
  cv::erode(area, inner, cv::Mat::ones(3, 3, CV_8U), {-1, -1}, 1, cv::BORDER_CONSTANT,
            cv::Scalar::all(255));
  return inner;
}

/// How uneven blocks are, each by itself and from one to the next.
struct Smoothness {
  double deviation = 0;
  double slope = 0;
};

Smoothness smoothness_of(const Blocks& b, const cv::Mat& area, double part) {
  cv::Mat inner = inner_part(area);
  if (cv::countNonZero(inner) == 0) inner = area;
  return {quantile(values_where(b.deviation, inner), part),
          quantile(values_where(b.slope, inner), part)};
}

/// Blocks as smooth as most of the glass is, whatever their colour.
cv::Mat smooth_blocks(const Blocks& b, const cv::Mat& glass) {
  const Smoothness usual = smoothness_of(b, glass, 0.75);
  return b.with_data & (b.deviation < 1.3 * usual.deviation + 0.3) &
         (b.slope < 2 * usual.slope + 0.6);
}

bool is_as_smooth(const Smoothness& piece, const Smoothness& glass) {
  return piece.deviation < 1.12 * glass.deviation + 0.12 && piece.slope < 1.5 * glass.slope + 0.2;
}

bool reaches_border(const cv::Mat& piece, const Blocks& b) {
  constexpr int kLeastRun = 6;
  // Padding ends a picture as its border does.
  cv::Mat inside;
  cv::copyMakeBorder(b.with_data, inside, 1, 1, 1, 1, cv::BORDER_CONSTANT, cv::Scalar::all(0));
  cv::erode(inside, inside, cv::Mat::ones(3, 3, CV_8U));
  const cv::Mat inner = inside(cv::Rect(1, 1, piece.cols, piece.rows));
  return cv::countNonZero(piece & ~inner) >= kLeastRun;
}

/// Whether light of a colour may be that of glass, beside glass of another.
bool may_be_glass(const cv::Vec3f& colour, const cv::Vec3f& glass) {
  constexpr float kMostDarker = 0.16F;
  constexpr float kMostBrighter = 0.2F;
  constexpr double kMostTint = 16;  // Grey levels.
  const float level = channel_mean(colour) / channel_mean(glass);
  return level > 1 - kMostDarker && level < 1 + kMostBrighter &&
         cv::norm(colour / level - glass) < kMostTint;
}

}  // namespace

std::vector<Pane> other_panes(const Blocks& b, const cv::Mat& glass) {
  constexpr double kLeastPart = 0.02;
  std::vector<Pane> panes;
  const Smoothness usual = smoothness_of(b, glass, 0.5);
  const cv::Vec3f glass_colour = median_colour(b.mean, glass);
  cv::Mat smooth = smooth_blocks(b, glass) & ~glass;
  cv::morphologyEx(smooth, smooth, cv::MORPH_OPEN, cv::Mat::ones(3, 3, CV_8U));
  cv::Mat labels;
  const int count = cv::connectedComponents(smooth, labels, 4, CV_32S);
  for (int i = 1; i < count; ++i) {
    const cv::Mat piece = labels == i;
    if (cv::countNonZero(piece) < kLeastPart * b.count || !reaches_border(piece, b)) continue;
    const cv::Vec3f colour = median_colour(b.mean, piece);
    if (!is_as_smooth(smoothness_of(b, piece, 0.5), usual)) continue;
    if (!may_be_glass(colour, glass_colour)) continue;
    panes.push_back({fit_surface(b.mean, piece, colour), piece});
  }
  return panes;
}

}  // namespace untiled
