#include "data/tissue/ink.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <opencv2/imgproc.hpp>
#include <tuple>
#include <vector>

#include "data/tissue/blocks.h"
#include "data/tissue/ink_density.h"
#include "data/tissue/ink_letters.h"
#include "data/tissue/mask_shapes.h"
#include "data/tissue/quantile.h"

namespace untiled {
namespace {

constexpr double kGapUm = 16;

/// One colour that ink has: where it is sure, where it may go on, which few pictures need, and how
/// large a sure piece is.
struct InkColour {
  cv::Mat sure;
  std::function<cv::Mat()> maybe;
  double least_radius_um;
  double least_area_um2;
};

/// Where a density is as even as ink's.
cv::Mat is_even(const InkDensities& d) {
  constexpr double kMostVariation = 0.03;
  constexpr double kOfTypical = 0.35;
  constexpr double kSurelyEven = 0.012;
  return d.variation < std::clamp(kOfTypical * d.typical, kSurelyEven, kMostVariation);
}

/// Over what is given by `d`, which must outlive them.
std::array<InkColour, 4> colours_of(const InkDensities& d) {
  const cv::Mat spread = d.most - d.least;
  const auto& [r, g, b] = std::tie(d.r, d.g, d.b);
  return {{
      // Blue and green: red light is absorbed most.
      {(r > 0.35) & (r > 1.2 * g), [&d] { return (d.r > 0.04) & (d.r > 1.1 * d.g); }, 16, 1e4},
      // Red: green and blue light, and hardly any red.
      {(g > 0.5) & (b > 0.6 * g) & (r < 0.16 * g),
       [&d] { return (d.g > 0.04) & (d.b > 0.5 * d.g) & (d.r < 0.25 * d.g); }, 16, 1e4},
      // Orange and yellow: blue light, and no red.
      {(b > 0.4) & (g < 0.6 * b) & (r < 0.08 * b),
       [&d] { return (d.b > 0.1) & (d.g < 0.65 * d.b) & (d.r < 0.12 * d.b); }, 16, 1e4},
      // Black.
      {(d.least > 0.6) & (spread < 0.22 * d.most),
       [&d, spread] { return (spread < 0.35 * d.most) | (d.least > 0.5); }, 8, 4e3},
  }};
}

/// Pixels of one colour, in pieces: those that are even, and those that are not.
struct Sorted {
  cv::Mat even;
  cv::Mat textured;
};

Sorted sort_pieces(const cv::Mat& sure, const cv::Mat& even, double um) {
  constexpr double kMostlyEven = 0.5;
  const cv::Mat inner = 1 - grown(1 - sure, kEdgeUm / um);
  Sorted sorted{cv::Mat::zeros(sure.size(), CV_8U), cv::Mat::zeros(sure.size(), CV_8U)};
  cv::Mat labels;
  const int count = cv::connectedComponents(sure, labels, 4, CV_32S);
  std::vector<double> pixels(static_cast<size_t>(count), 0);
  std::vector<double> evens(static_cast<size_t>(count), 0);
  for (int row = 0; row < labels.rows; ++row) {
    for (int col = 0; col < labels.cols; ++col) {
      const auto piece = static_cast<size_t>(labels.at<int>(row, col));
      if (inner.at<uint8_t>(row, col) == 0) continue;
      pixels[piece] += 1;
      evens[piece] += even.at<uint8_t>(row, col) != 0 ? 1 : 0;
    }
  }
  for (int row = 0; row < labels.rows; ++row) {
    for (int col = 0; col < labels.cols; ++col) {
      const auto piece = static_cast<size_t>(labels.at<int>(row, col));
      if (piece == 0) continue;
      cv::Mat& target = evens[piece] > kMostlyEven * pixels[piece] ? sorted.even : sorted.textured;
      target.at<uint8_t>(row, col) = 1;
    }
  }
  return sorted;
}

/// Ink over tissue: as wide as a pen, and beside more that has another colour.
bool is_over_tissue(const cv::Mat& textured, const cv::Mat& others) {
  constexpr double kLeastOthers = 1.5;
  return cv::countNonZero(others) > kLeastOthers * cv::countNonZero(textured);
}

void add_coloured_ink(const InkDensities& d, const cv::Mat& matter, const cv::Mat& even, double um,
                      Ink& ink) {
  constexpr double kPenRadiusUm = 80;
  for (const InkColour& colour : colours_of(d)) {
    cv::Mat sure;
    cv::morphologyEx(colour.sure / 255, sure, cv::MORPH_OPEN, disk(colour.least_radius_um / um));
    if (cv::countNonZero(sure) == 0) continue;
    drop_small_objects(sure, colour.least_area_um2 / (um * um));
    if (cv::countNonZero(sure) == 0) continue;
    const cv::Mat maybe = colour.maybe();
    Sorted sorted = sort_pieces(sure, even, um);
    const cv::Mat wide = opened(sorted.textured, kPenRadiusUm / um);
    const cv::Mat strokes = pieces_with(sorted.textured, wide);
    ink.doubtful |= strokes;
    cv::Mat taken = sorted.even;
    if (is_over_tissue(strokes, matter & (1 - maybe / 255))) taken |= strokes;
    if (cv::countNonZero(taken) > 0) ink.area |= near_to(taken, maybe, um);
  }
}

/// A stroke on the glass: its mean density and half its width, in pixels, without and with its soft
/// edges.
struct Stroke {
  cv::Mat core;
  cv::Vec3f density;
  double inner_radius = 0;
  double radius = 0;
};

/// Of the largest circle in an area.
double radius_inside(const cv::Mat& area) {
  cv::Mat wide;
  cv::copyMakeBorder(area, wide, 1, 1, 1, 1, cv::BORDER_CONSTANT, cv::Scalar::all(0));
  cv::Mat distance;
  cv::distanceTransform(wide, distance, cv::DIST_L2, cv::DIST_MASK_3);
  double radius = 0;
  cv::minMaxLoc(distance, nullptr, &radius);
  return radius;
}

/// Even pieces of any colour that lie on glass.
std::vector<Stroke> strokes_on_glass(const cv::Mat& density, const InkDensities& d,
                                     const InkGround& ground, const cv::Mat& even, double um) {
  constexpr double kLeastDensity = 0.3;
  constexpr double kLeastAreaUm2 = 1.5e4;
  constexpr double kRimUm = 112;
  constexpr double kOnGlass = 0.45;
  constexpr double kMostAlike = 0.3;
  cv::Mat core;
  cv::morphologyEx((even & (d.most > kLeastDensity)) / 255, core, cv::MORPH_OPEN, disk(16 / um));
  drop_small_objects(core, kLeastAreaUm2 / (um * um));
  cv::Mat labels;
  cv::Mat stats;
  cv::Mat centroids;
  const int count = cv::connectedComponentsWithStats(core, labels, stats, centroids, 8, CV_32S);
  std::vector<Stroke> strokes;
  for (int i = 1; i < count; ++i) {
    const cv::Rect box = wider_box(stats, i, static_cast<int>(kRimUm / um) + 3, core.size());
    const cv::Mat piece = (labels(box) == i) / 255;
    const cv::Mat around = grown(piece, kRimUm / um);
    const cv::Mat rim = around & (1 - grown(piece, kRimUm / um - 2));
    if (share(ground.bare(box), rim) < kOnGlass) continue;
    const cv::Vec3f colour = mean_of(density(box), piece);
    // A smooth part of a section has the section's colour beside it.
    if (share(of_colour(density(box), colour), rim) > kMostAlike) continue;
    cv::Mat whole = cv::Mat::zeros(core.size(), CV_8U);
    piece.copyTo(whole(box));
    strokes.push_back({whole, colour, radius_inside(piece),
                       radius_inside(ground.matter(box) & grown(piece, kEdgeUm / um))});
  }
  return strokes;
}

/// Where light of every colour is absorbed as much as by a stroke, nearly.
cv::Mat as_dense(const cv::Mat& density, const Stroke& stroke) {
  constexpr float kPart = 0.75F;
  cv::Mat dense;
  const cv::Vec3f least = stroke.density * kPart;
  cv::inRange(density, cv::Scalar(least[0], least[1], least[2]), cv::Scalar::all(10), dense);
  return dense;
}

/// The pieces that absorb a stroke's light by a good part of the stroke more than what is around
/// them: those where ink lies over a section, and not where the section is dense.
cv::Mat denser_than_around(const cv::Mat& pieces, const cv::Mat& density, const cv::Mat& matter,
                           const Stroke& stroke, double um) {
  constexpr double kPart = 0.4;
  constexpr double kRimUm = 32;
  cv::Mat found = cv::Mat::zeros(pieces.size(), CV_8U);
  cv::Mat labels;
  cv::Mat stats;
  cv::Mat centroids;
  const int count = cv::connectedComponentsWithStats(pieces, labels, stats, centroids, 8, CV_32S);
  for (int i = 1; i < count; ++i) {
    const cv::Rect box = wider_box(stats, i, static_cast<int>(kRimUm / um) + 2, pieces.size());
    const cv::Mat piece = (labels(box) == i) / 255;
    const cv::Mat rim =
        grown(piece, kRimUm / um) & (1 - grown(piece, kRimUm / um / 2)) & matter(box);
    const cv::Vec3f more = mean_of(density(box), piece) - mean_of(density(box), rim);
    if (more.dot(stroke.density) > kPart * stroke.density.dot(stroke.density)) found(box) |= piece;
  }
  return found;
}

void add_strokes(const cv::Mat& density, const InkDensities& d, const InkGround& ground,
                 const cv::Mat& even, double um, Ink& ink) {
  constexpr double kMostOfTissue = 0.3;
  constexpr double kThin = 1.3;
  for (const Stroke& stroke : strokes_on_glass(density, d, ground, even, um)) {
    const cv::Mat colour = of_colour(density, stroke.density);
    const cv::Mat thin = thin_parts(ground.matter, kThin * stroke.radius + 1);
    // A stroke's piece goes over into the fringe of a section that it touches.
    const cv::Mat pieces =
        strokes_among(thin, colour, ground.bare, um, 1) & grown(colour / 255, kGapUm / um);
    ink.area |= near_to(stroke.core, colour, um) | pieces;
    // The same pen may go on over the tissue.
    const cv::Mat elsewhere = ground.matter & (1 - ink.area);
    const cv::Mat dense = (as_dense(density, stroke) / 255) & elsewhere;
    const cv::Mat wide = opened(dense, std::max(2.0, 0.6 * stroke.radius));
    const cv::Mat near = pieces_with(wide, grown(ink.area, 2 * kReachUm / um));
    if (cv::countNonZero(near) == 0) continue;
    ink.doubtful |= near;
    const cv::Mat over = denser_than_around(near, density, elsewhere, stroke, um);
    if (share(over, elsewhere) < kMostOfTissue) ink.area |= over;
  }
}

}  // namespace

Ink find_ink(const cv::Mat& density, double um) {
  constexpr double kLargestHoleUm2 = 6e4;
  Ink ink{cv::Mat::zeros(density.size(), CV_8U), cv::Mat::zeros(density.size(), CV_8U)};
  const InkDensities d = densities_of(density, um);
  const cv::Mat even = is_even(d);
  const InkGround ground = ground_of(d);
  add_coloured_ink(d, ground.matter, even, um, ink);
  add_strokes(density, d, ground, even, um, ink);
  add_letters(density, d, ground, um, ink);
  cv::morphologyEx(ink.area, ink.area, cv::MORPH_CLOSE, disk(kGapUm / um));
  // Writing on what is taken for ink.
  fill_small_holes(ink.area, kLargestHoleUm2 / (um * um));
  return ink;
}

}  // namespace untiled
