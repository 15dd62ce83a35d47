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

bool is_as_smooth(const Smoothness& piece, const Smoothness& glass) {
  // Where JPEG took the glass's noise away it may have left some of another pane's.
  constexpr double kQuantised = 0.35;
  constexpr double kQuantisedSlope = 0.7;
  return piece.deviation < std::max(kQuantised, 1.12 * glass.deviation + 0.12) &&
         piece.slope < std::max(kQuantisedSlope, 1.5 * glass.slope + 0.2);
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

/// How far light of a colour may be from that of glass.
struct Tolerance {
  float darker = 0;  ///< Parts of the brightness.
  float brighter = 0;
  double tint = 0;  ///< Grey levels.
};

constexpr Tolerance kAtBorder = {0.16F, 0.2F, 16};
constexpr Tolerance kFilm = {0.045F, 0, 10};

bool may_be_glass(const cv::Vec3f& colour, const cv::Vec3f& glass, const Tolerance& tolerance) {
  const float level = channel_mean(colour) / channel_mean(glass);
  return level > 1 - tolerance.darker && level < 1 + tolerance.brighter &&
         cv::norm(colour / level - glass) < tolerance.tint;
}

}  // namespace

cv::Mat smooth_blocks(const Blocks& b, const cv::Mat& glass) {
  constexpr double kQuantised = 0.5;
  constexpr double kQuantisedSlope = 1;
  const Smoothness usual = smoothness_of(b, glass, 0.75);
  // JPEG leaves nothing of the noise in most blocks, and one of its waves in some.
  const double most = 1.1 * smoothness_of(b, glass, 0.95).deviation;
  const double limit = std::max({kQuantised, 1.3 * usual.deviation + 0.3, most});
  const cv::Mat smooth = b.with_data & (b.deviation < limit) &
                         (b.slope < std::max(kQuantisedSlope, 2 * usual.slope + 0.6));
  cv::Mat areas;
  cv::morphologyEx(smooth, areas, cv::MORPH_OPEN, cv::Mat::ones(3, 3, CV_8U));
  return areas;
}

std::vector<Pane> other_panes(const Blocks& b, const cv::Mat& glass, const cv::Mat& smooth) {
  constexpr double kLeastPart = 0.02;
  std::vector<Pane> panes;
  const Smoothness usual = smoothness_of(b, glass, 0.5);
  const cv::Vec3f glass_colour = median_colour(b.mean, glass);
  cv::Mat areas;
  cv::morphologyEx(smooth & ~glass, areas, cv::MORPH_OPEN, cv::Mat::ones(3, 3, CV_8U));
  cv::Mat labels;
  const int count = cv::connectedComponents(areas, labels, 4, CV_32S);
  for (int i = 1; i < count; ++i) {
    const cv::Mat piece = labels == i;
    if (cv::countNonZero(piece) < kLeastPart * b.count) continue;
    const cv::Vec3f colour = median_colour(b.mean, piece);
    const bool is_film = !reaches_border(piece, b);
    if (!is_as_smooth(smoothness_of(b, piece, 0.5), usual)) continue;
    if (!may_be_glass(colour, glass_colour, is_film ? kFilm : kAtBorder)) continue;
    panes.push_back({fit_surface(b.mean, piece, colour), piece, is_film});
  }
  return panes;
}

}  // namespace untiled
