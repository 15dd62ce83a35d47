#include "data/tissue/label_readings.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "data/tissue/fat.h"
#include "data/tissue/mask_shapes.h"
#include "data/tissue/quantile.h"

namespace untiled {
namespace {

double dice_of(const cv::Mat& a, const cv::Mat& b) {
  const double sum = cv::countNonZero(a) + cv::countNonZero(b);
  return sum > 0 ? 2.0 * cv::countNonZero(a & b) / sum : 1.0;
}

/// What is clearly stained, in thick pieces; at half the scale, as the label beside it.
cv::Mat solid_part(const LabelEvidence& label) {
  constexpr double kClearly = 0.3;  // Of what is usual in the label.
  constexpr double kGapUm = 24;
  const double usual = quantile(values_where(label.total, label.mask, 7), 0.5);
  const cv::Mat clearly = halved((label.total > kClearly * usual) / 255, false);
  const double half_um = 2 * label.um;
  return closed(opened(clearly, kThickUm / half_um), kGapUm / half_um);
}

Reading without_fat(const LabelEvidence& label) {
  const cv::Mat half = halved(label.mask, false);
  return {dice_of(half, half & solid_part(label)), 0.8, "much of it is fat or empty"};
}

Reading with_more_fat(const LabelEvidence& label) {
  constexpr double kFew = 0.003;
  Reading reading{1, 1, "walls as of fat lie beside it"};
  // The edges of ink are thin as walls are.
  constexpr double kInkEdgeUm = 48;
  const cv::Mat walls = label.walls & (1 - grown(label.ink.area, kInkEdgeUm / label.um));
  const int beside = cv::countNonZero(walls & (1 - label.mask));
  if (beside < kFew * cv::countNonZero(label.mask)) return reading;
  const cv::Mat more = label.mask | fat_between(walls, 2 * kFatCellUm, label.um);
  reading.dice = dice_of(label.mask, more);
  return reading;
}

/// What is doubtful about ink, decided the other way.
Reading with_ink_otherwise(const LabelEvidence& label) {
  const cv::Mat stained = label.mask & (1 - label.ink.doubtful);
  const cv::Mat strong = (label.total > label.high) / 255;
  const cv::Mat covered = label.ink.doubtful & (1 - label.mask) & strong;
  return {dice_of(label.mask, stained | covered), 1, "ink or stain is over much of it"};
}

/// Glass whose light was not followed, or tissue that has no texture.
Reading without_smooth(const LabelEvidence& label) {
  constexpr double kWeight = 0.7;
  Reading reading{1, kWeight, "parts of it are as smooth as glass"};
  if (!label.smooth.empty()) reading.dice = dice_of(label.mask, label.mask & (1 - label.smooth));
  return reading;
}

Reading with_films(const LabelEvidence& label) {
  constexpr double kWeight = 0.7;
  Reading reading{1, kWeight,
                  "a smooth and faint part beside it was taken for a film on the glass"};
  if (!label.film.empty()) reading.dice = dice_of(label.mask, label.mask | label.film);
  return reading;
}

/// Of another colour than the glass and no darker: then it is the glass, and what was taken for it
/// something else, as paper.
Reading without_light_parts(const LabelEvidence& label) {
  const cv::Mat light_parts = ((label.light >= 0) & (label.total > label.high)) / 255;
  return {dice_of(label.mask, label.mask & (1 - light_parts)), 1,
          "parts of it are no darker than the background"};
}

Reading with_grey(const LabelEvidence& label) {
  constexpr double kWeight = 0.7;
  return {dice_of(label.mask, label.mask | label.grey), kWeight,
          "a part without colour was left out"};
}

/// Over a dark background what is much fainter than most of the label may be stray light.
Reading without_faint_parts(const LabelEvidence& label) {
  constexpr double kFaint = 0.4;
  constexpr double kSurroundingsUm = 100;
  const int side = 2 * static_cast<int>(kSurroundingsUm / label.um / 2) + 1;
  cv::Mat around;
  cv::blur(label.total, around, {side, side});
  const double usual = quantile(values_where(around, label.mask, 7), 0.5);
  const cv::Mat clear = (around > kFaint * usual) / 255;
  return {dice_of(label.mask, label.mask & clear), 1, "parts of it are much fainter than the rest"};
}

bool is_colourless(const LabelEvidence& label) {
  constexpr double kColourless = 0.1;
  constexpr double kRounding = 1;
  const double light = cv::mean(cv::abs(label.light), label.mask)[0];
  return cv::mean(label.colour, label.mask)[0] < kColourless * light + kRounding;
}

bool is_nearly_all_ink(const LabelEvidence& label) {
  constexpr double kMuch = 2;
  return cv::countNonZero(label.ink.area) > kMuch * cv::countNonZero(label.mask);
}

}  // namespace

std::vector<Reading> other_readings(const LabelEvidence& label) {
  constexpr double kAsLikely = 0.6;
  std::vector<Reading> readings;
  if (label.dark) {
    if (cv::countNonZero(label.mask) > 0) readings.push_back(without_faint_parts(label));
    return readings;
  }
  if (is_nearly_all_ink(label)) {
    readings.push_back({0, kAsLikely, "nearly all that was found is taken for ink"});
  }
  if (cv::countNonZero(label.mask) == 0) return readings;
  // Ink over fat is doubted once: both readings would leave out much of the same.
  const Reading fat = without_fat(label);
  const Reading ink = with_ink_otherwise(label);
  readings.push_back(trust_in(fat) < trust_in(ink) ? fat : ink);
  readings.push_back(with_more_fat(label));
  readings.push_back(without_smooth(label));
  readings.push_back(without_light_parts(label));
  readings.push_back(with_films(label));
  readings.push_back(with_grey(label));
  if (is_colourless(label)) readings.push_back({0, kAsLikely, "what was found has no colour"});
  return readings;
}

double trust_in(const Reading& reading) {
  constexpr double kNothing = 0.7;
  const double trust = std::clamp((reading.dice - kNothing) / (1 - kNothing), 0.0, 1.0);
  return 1 - reading.weight * (1 - trust);
}

}  // namespace untiled
