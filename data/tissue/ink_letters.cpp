#include "data/tissue/ink_letters.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/blocks.h"
#include "data/tissue/mask_shapes.h"
#include "data/tissue/quantile.h"

namespace untiled {
namespace {

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
bool is_even_inside(const cv::Mat& variation, const cv::Mat& piece, const InkDensities& d) {
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
  const cv::Mat core = mask & (channel_length(density) > kCore * cv::norm(colour)) / 255;
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
cv::Mat of_usual_colour(const cv::Mat& density, const InkDensities& d, const cv::Mat& pieces,
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

}  // namespace

void add_letters(const cv::Mat& density, const InkDensities& d, const InkGround& ground, double um,
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

}  // namespace untiled
