#include "data/tissue/ink.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <opencv2/imgproc.hpp>
#include <tuple>
#include <vector>

#include "data/tissue/blocks.h"
#include "data/tissue/mask_shapes.h"
#include "data/tissue/quantile.h"

namespace untiled {
namespace {

constexpr double kReachUm = 48;  ///< From sure ink to a stroke's pale edge.
constexpr double kGapUm = 16;
constexpr double kEdgeUm = 40;   ///< So far from an edge the variation is that of the inside.
constexpr double kMatter = 0.2;  ///< The density from which something lies on the glass.

/// One colour that ink has: where it is sure, where it may go on, which few pictures need, and how
/// large a sure piece is.
struct InkColour {
  cv::Mat sure;
  std::function<cv::Mat()> maybe;
  double least_radius_um;
  double least_area_um2;
};

/// The density's three channels and what is derived from them, CV_32F.
struct Densities {
  cv::Mat r, g, b;
  cv::Mat most;
  cv::Mat least;
  cv::Mat variation;   ///< Local standard deviation, a part of the local mean.
  double typical = 0;  ///< Upper quartile of the variation where matter is.
};

cv::Mat length_of(const cv::Mat& vectors) {
  cv::Mat square;
  cv::transform(vectors.mul(vectors), square, cv::Matx13f(1, 1, 1));
  cv::sqrt(square, square);
  return square;
}

cv::Mat variation_of(const cv::Mat& density, double um) {
  constexpr double kWindowUm = 44;
  const int side = 2 * std::max(1, static_cast<int>(kWindowUm / um / 2)) + 1;
  cv::Mat mean;
  cv::Mat square;
  cv::blur(density, mean, {side, side});
  cv::blur(density.mul(density), square, {side, side});
  cv::Mat variance;
  cv::transform(square - mean.mul(mean), variance, cv::Matx13f(1, 1, 1));
  cv::sqrt(cv::max(variance, 0.0), variance);
  return variance / cv::max(length_of(mean), 1e-3);
}

Densities densities_of(const cv::Mat& density, double um) {
  std::vector<cv::Mat> c;
  cv::split(density, c);
  Densities d{c[0],
              c[1],
              c[2],
              cv::max(cv::max(c[0], c[1]), c[2]),
              cv::min(cv::min(c[0], c[1]), c[2]),
              variation_of(density, um),
              0};
  constexpr int kLeastInner = 200;
  constexpr double kUsual = 0.04;
  const cv::Mat matter = (d.most > kMatter / 2) / 255;
  const cv::Mat inner = 1 - grown(1 - matter, kEdgeUm / um);
  d.typical = cv::countNonZero(inner) > kLeastInner
                  ? quantile(values_where(d.variation, inner, 3), 0.75)
                  : kUsual;
  return d;
}

/// Where a density is as even as ink's.
cv::Mat is_even(const Densities& d) {
  constexpr double kMostVariation = 0.03;
  constexpr double kOfTypical = 0.35;
  constexpr double kSurelyEven = 0.012;
  return d.variation < std::clamp(kOfTypical * d.typical, kSurelyEven, kMostVariation);
}

/// Over what is given by `d`, which must outlive them.
std::array<InkColour, 4> colours_of(const Densities& d) {
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

double share(const cv::Mat& part, const cv::Mat& whole) {
  return cv::countNonZero(part & whole) / std::max(1.0, double(cv::countNonZero(whole)));
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

cv::Mat near_to(const cv::Mat& sure, const cv::Mat& maybe, double um) {
  cv::Mat near;
  cv::dilate(sure, near, disk(kReachUm / um));
  return sure | (near & (maybe / 255));
}

void add_coloured_ink(const Densities& d, const cv::Mat& matter, const cv::Mat& even, double um,
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

/// Where something lies on the glass, and the glass without anything: 0 and 1.
struct Ground {
  cv::Mat matter;
  cv::Mat bare;
};

Ground ground_of(const Densities& d) {
  constexpr double kBare = 0.06;
  return {(d.most > kMatter) / 255, (d.most < kBare) / 255};
}

/// What narrows to less than twice a radius: letters, strokes, fringes.
cv::Mat thin_parts(const cv::Mat& matter, double radius) {
  return matter & (1 - opened(matter, radius));
}

/// The box of a piece with a margin, within the picture.
cv::Rect wider_box(const cv::Mat& stats, int piece, int margin, const cv::Size& size) {
  const cv::Rect box(stats.at<int>(piece, cv::CC_STAT_LEFT) - margin,
                     stats.at<int>(piece, cv::CC_STAT_TOP) - margin,
                     stats.at<int>(piece, cv::CC_STAT_WIDTH) + 2 * margin,
                     stats.at<int>(piece, cv::CC_STAT_HEIGHT) + 2 * margin);
  return box & cv::Rect(cv::Point(), size);
}

/// Whether there is mostly glass around a piece, in its box with a margin of the reach.
bool is_on_glass(const cv::Mat& piece, const cv::Mat& bare, double um) {
  constexpr double kOnGlass = 0.65;
  const cv::Mat rim = grown(piece, kReachUm / um + 2) & (1 - grown(piece, kReachUm / um));
  return share(bare, rim) > kOnGlass;
}

/// The pieces that have mostly one colour and mostly glass around them, as letters and strokes do
/// and the islands of a section do not, whose faint parts are no matter.
cv::Mat strokes_among(const cv::Mat& thin, const cv::Mat& colour, const cv::Mat& bare, double um,
                      double least_pixels) {
  constexpr double kMostly = 0.8;
  cv::Mat found = cv::Mat::zeros(thin.size(), CV_8U);
  if (cv::countNonZero(thin & colour) == 0) return found;
  cv::Mat labels;
  cv::Mat stats;
  cv::Mat centroids;
  const int count = cv::connectedComponentsWithStats(thin, labels, stats, centroids, 8, CV_32S);
  std::vector<int> coloured(static_cast<size_t>(count), 0);
  for (int row = 0; row < labels.rows; ++row) {
    const int* label = labels.ptr<int>(row);
    const auto* is_coloured = colour.ptr<uint8_t>(row);
    for (int col = 0; col < labels.cols; ++col) {
      if (is_coloured[col] != 0) ++coloured[static_cast<size_t>(label[col])];
    }
  }
  for (int i = 1; i < count; ++i) {
    const int pixels = stats.at<int>(i, cv::CC_STAT_AREA);
    if (pixels < least_pixels || coloured[static_cast<size_t>(i)] <= kMostly * pixels) continue;
    const cv::Rect box = wider_box(stats, i, static_cast<int>(kReachUm / um) + 3, thin.size());
    const cv::Mat piece = (labels(box) == i) / 255;
    if (is_on_glass(piece, bare(box), um)) found(box) |= piece;
  }
  return found;
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

cv::Vec3f mean_of(const cv::Mat& density, const cv::Mat& mask) {
  const cv::Scalar mean = cv::mean(density, mask);
  return {static_cast<float>(mean[0]), static_cast<float>(mean[1]), static_cast<float>(mean[2])};
}

/// Of densities whose colour is one: the cosine of the angle between them.
constexpr double kCosine = 0.985;

/// Where the density has a colour.
cv::Mat of_colour(const cv::Mat& density, const cv::Vec3f& colour, double cosine = kCosine) {
  const cv::Vec3f unit = colour / static_cast<float>(cv::norm(colour));
  cv::Mat along;
  cv::transform(density, along, cv::Matx13f(unit[0], unit[1], unit[2]));
  return (along > cosine * length_of(density)) & (along > 0.04);
}

/// Even pieces of any colour that lie on glass.
std::vector<Stroke> strokes_on_glass(const cv::Mat& density, const Densities& d,
                                     const Ground& ground, const cv::Mat& even, double um) {
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

void add_strokes(const cv::Mat& density, const Densities& d, const Ground& ground,
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

/// Densities of some of the pixels of a mask, one in four on each axis.
std::vector<cv::Vec3f> samples_of(const cv::Mat& density, const cv::Mat& mask) {
  constexpr int kStep = 4;
  std::vector<cv::Vec3f> samples;
  for (int row = 0; row < mask.rows; row += kStep) {
    for (int col = 0; col < mask.cols; col += kStep) {
      if (mask.at<uint8_t>(row, col) != 0) samples.push_back(density.at<cv::Vec3f>(row, col));
    }
  }
  return samples;
}

/// Whether a thin piece is as even as a stroke where its edges are farthest.
bool is_even_inside(const cv::Mat& variation, const cv::Mat& piece, const Densities& d) {
  constexpr double kInner = 0.2;
  constexpr double kOfTypical = 0.5;
  return quantile(values_where(variation, piece), kInner) < kOfTypical * d.typical;
}

/// Of densities of one dye, nearly and exactly: the cosine of the angle between them.
constexpr double kSameDye = 0.9975;
constexpr double kExactlySame = 0.999;

/// The part of a mask whose density is that of one dye: all of one colour, whatever there is of it.
double one_dye_part(const cv::Mat& density, const cv::Mat& mask, const cv::Vec3f& colour,
                    double cosine) {
  constexpr double kCore = 0.6;  // At soft edges light of ink and glass mixes.
  const cv::Mat core = mask & (length_of(density) > kCore * cv::norm(colour)) / 255;
  return share(of_colour(density, colour, cosine) / 255, core);
}

/// How long a piece is, in quarters of its width; 0 where it is not as wide in most places, as
/// strokes are.
double length_of_stroke(const cv::Mat& piece) {
  constexpr double kNarrowest = 0.45;
  cv::Mat padded;
  cv::copyMakeBorder(piece, padded, 1, 1, 1, 1, cv::BORDER_CONSTANT, cv::Scalar::all(0));
  cv::Mat distance;
  cv::distanceTransform(padded, distance, cv::DIST_L2, cv::DIST_MASK_5);
  cv::Mat highest;
  cv::dilate(distance, highest, cv::Mat::ones(3, 3, CV_8U));
  const std::vector<float> widths = values_where(distance, (distance >= highest) & (padded != 0));
  const double usual = quantile(widths, 0.5);
  if (quantile(widths, 0.1) <= kNarrowest * quantile(widths, 0.9)) return 0;
  return cv::countNonZero(piece) / (usual * usual);
}

/// The part of samples that have a colour.
double part_of_colour(const std::vector<cv::Vec3f>& samples, const cv::Vec3f& colour,
                      double cosine) {
  const auto alike = std::count_if(samples.begin(), samples.end(), [&](const cv::Vec3f& other) {
    return other.dot(colour) > cosine * cv::norm(other) * cv::norm(colour);
  });
  return static_cast<double>(alike) / static_cast<double>(samples.size());
}

constexpr size_t kEnoughSamples = 100;

/// The thick part of what lies on the glass.
struct Section {
  std::vector<cv::Vec3f> samples;
  bool is_known = false;  ///< It is no small part of what is there.
  bool is_of_one_dye = false;

  bool never_has(const cv::Vec3f& colour) const {
    constexpr double kNearlyNever = 0.001;
    return is_known && part_of_colour(samples, colour, kCosine) < kNearlyNever;
  }
};

Section section_beside(const cv::Mat& density, const cv::Mat& matter, const cv::Mat& narrow) {
  constexpr double kNoSmallPart = 0.4;
  constexpr double kMostly = 0.75;
  const cv::Mat thick = matter & (1 - narrow);
  Section section{samples_of(density, thick)};
  section.is_known = section.samples.size() >= kEnoughSamples &&
                     cv::countNonZero(thick) > kNoSmallPart * cv::countNonZero(narrow);
  section.is_of_one_dye =
      section.is_known &&
      one_dye_part(density, thick, median_colour(density, thick), kSameDye) > kMostly;
  return section;
}

/// Of each piece that has mostly one colour what has it, with gaps closed, where that is nearly all
/// or even: a stroke without the fringe of a section that it touches.
cv::Mat of_usual_colour(const cv::Mat& density, const Densities& d, const cv::Mat& pieces,
                        const Section& section, double least_pixels) {
  constexpr double kNearlyAll = 0.9;
  constexpr double kMuch = 0.75;
  constexpr double kMostly = 0.5;
  constexpr double kGap = 1.5;  // Pixels.
  cv::Mat found = cv::Mat::zeros(pieces.size(), CV_8U);
  cv::Mat labels;
  cv::Mat stats;
  cv::Mat centroids;
  const int count = cv::connectedComponentsWithStats(pieces, labels, stats, centroids, 8, CV_32S);
  for (int i = 1; i < count; ++i) {
    if (stats.at<int>(i, cv::CC_STAT_AREA) < least_pixels) continue;
    const cv::Rect box = wider_box(stats, i, 2, pieces.size());
    const cv::Mat piece = (labels(box) == i) / 255;
    const cv::Vec3f colour = median_colour(density(box), piece);
    const cv::Mat alike = (of_colour(density(box), colour) / 255) & piece;
    const double part = share(alike, piece);
    if (part < kMostly) continue;
    if (part > kNearlyAll || (part > kMuch && section.never_has(colour)) ||
        is_even_inside(d.variation(box), alike, d))
      found(box) |= closed(alike, kGap) & piece;
  }
  return found;
}

/// Whether a thin piece on the glass is a stroke of one dye where the section beside it is stained
/// with several. The longer it is the less exact its colour must be, which JPEG spoils.
bool is_of_one_dye(const cv::Mat& density, const cv::Mat& piece, const cv::Vec3f& colour,
                   const Section& section) {
  constexpr double kLong = 16;
  constexpr double kVeryLong = 100;
  constexpr double kNearlyAll = 0.9;
  constexpr double kMostly = 0.8;
  constexpr double kHardlyEver = 0.02;
  if (!section.is_known || section.is_of_one_dye) return false;
  const double length = length_of_stroke(piece);
  if (length < kLong) return false;
  const cv::Vec3f dye = median_colour(density, piece);
  if (one_dye_part(density, piece, dye, kExactlySame) > kNearlyAll) return true;
  if (length < kVeryLong) return false;
  const double part = one_dye_part(density, piece, dye, kSameDye);
  return part > kNearlyAll ||
         (part > kMostly && part_of_colour(section.samples, colour, kExactlySame) < kHardlyEver);
}

/// Letters and thin strokes, whose inside is too narrow to tell whether it is even: thin pieces on
/// the glass, each of one colour, which what lies elsewhere seldom has, or of one dye.
void add_letters(const cv::Mat& density, const Densities& d, const Ground& ground, double um,
                 Ink& ink) {
  constexpr double kThickUm = 120;
  constexpr double kLeastAreaUm2 = 5e3;
  constexpr double kOneColour = 0.9;
  constexpr double kSeldom = 0.1;
  const cv::Mat matter = ground.matter & (1 - ink.area);
  const cv::Mat bare = ground.bare | ink.area;
  const double least_pixels = kLeastAreaUm2 / (um * um);
  const cv::Mat narrow = thin_parts(matter, kThickUm / um);
  const Section section = section_beside(density, matter, narrow);
  const cv::Mat of_one = of_usual_colour(density, d, narrow, section, least_pixels);
  const cv::Mat thin = strokes_among(of_one, of_one, bare, um, least_pixels);
  const std::vector<cv::Vec3f> elsewhere = samples_of(density, matter & (1 - thin));
  if (cv::countNonZero(thin) == 0 || elsewhere.size() < kEnoughSamples) return;
  cv::Mat labels;
  cv::Mat stats;
  cv::Mat centroids;
  const int count = cv::connectedComponentsWithStats(thin, labels, stats, centroids, 8, CV_32S);
  for (int i = 1; i < count; ++i) {
    const cv::Rect box = wider_box(stats, i, static_cast<int>(kReachUm / um), thin.size());
    const cv::Mat piece = (labels(box) == i) / 255;
    const cv::Vec3f colour = mean_of(density(box), piece);
    const cv::Mat alike = of_colour(density(box), colour);
    if (share(alike, piece) < kOneColour) continue;
    if (part_of_colour(elsewhere, colour, kCosine) <= kSeldom ||
        is_of_one_dye(density(box), piece, colour, section)) {
      ink.area(box) |= near_to(piece, alike, um);
    }
  }
}

}  // namespace

Ink find_ink(const cv::Mat& density, double um) {
  constexpr double kLargestHoleUm2 = 6e4;
  Ink ink{cv::Mat::zeros(density.size(), CV_8U), cv::Mat::zeros(density.size(), CV_8U)};
  const Densities d = densities_of(density, um);
  const cv::Mat even = is_even(d);
  const Ground ground = ground_of(d);
  add_coloured_ink(d, ground.matter, even, um, ink);
  add_strokes(density, d, ground, even, um, ink);
  add_letters(density, d, ground, um, ink);
  cv::morphologyEx(ink.area, ink.area, cv::MORPH_CLOSE, disk(kGapUm / um));
  // Writing on what is taken for ink.
  fill_small_holes(ink.area, kLargestHoleUm2 / (um * um));
  return ink;
}

}  // namespace untiled
