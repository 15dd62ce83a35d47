#include "data/tissue/robust.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <vector>

#include "data/tissue/background.h"
#include "data/tissue/fat.h"
#include "data/tissue/fat_net.h"
#include "data/tissue/ink.h"
#include "data/tissue/label_readings.h"
#include "data/tissue/mask_shapes.h"
#include "data/tissue/padding.h"
#include "data/tissue/quantile.h"
#include "data/tissue/spot_frame.h"
#include "data/tissue/tissue_pieces.h"

namespace untiled {
namespace {

constexpr double kWorkUm = 8.0;
constexpr int kLeastSide = 256;  ///< A picture is not reduced below this.
/// Where glass is bright, strengths are of glass at this grey level.
constexpr float kGlass = 240;
constexpr double kLeastBright = 4.5;  ///< The lowest threshold over bright glass, of kGlass.
constexpr double kLeastDark = 1.2;    ///< Over a dark background, grey levels.
constexpr double kLowFactor = 2.2;    ///< Thresholds in multiples of the background's noise.
constexpr double kHighFactor = 4.5;
constexpr double kHalfHeight = 0.5;
constexpr double kSurroundingsUm = 24;
constexpr double kBlurUm = 9.6;
constexpr double kCloseUm = 24;
constexpr double kInkEdgeUm = 48;     ///< The edges of ink are thin as walls of fat are.
constexpr double kLineUm = 28;        ///< Half the width of threads that are dropped.
constexpr double kFrameUm = 80;       ///< The same of straight lines ...
constexpr double kFrameLongUm = 400;  ///< ... that are at least so long.

/// The picture at the scale of work.
struct Work {
  cv::Mat rgb;      ///< 8-bit.
  cv::Mat missing;  ///< 0 and 1.
  double um = kWorkUm;

  double area() const { return um * um; }
};

Work reduce(const Overview& overview, const PixelSize& pixel) {
  const cv::Size full(static_cast<int>(overview.extent.cols),
                      static_cast<int>(overview.extent.rows));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): OpenCV has no view of constant pixels
  const cv::Mat rgb(full, CV_8UC3, const_cast<uint8_t*>(overview.rgb.data()));
  const double um = std::sqrt(pixel.area_um2());
  const int by_scale = static_cast<int>(kWorkUm / um + 0.01);
  const int factor =
      std::max(1, std::min(by_scale, std::min(full.width, full.height) / kLeastSide));
  Work work;
  work.um = um * factor;
  const cv::Size small(std::max(1, static_cast<int>(std::lround(full.width / double(factor)))),
                       std::max(1, static_cast<int>(std::lround(full.height / double(factor)))));
  cv::resize(rgb, work.rgb, small, 0, 0, cv::INTER_AREA);
  work.missing = cv::Mat::zeros(small, CV_8U);
  if (!overview.missing.empty()) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): as above
    const cv::Mat missing(full, CV_8U, const_cast<uint8_t*>(overview.missing.data()));
    cv::resize(missing, work.missing, small, 0, 0, cv::INTER_NEAREST);
    work.missing = (work.missing != 0) / 255;
  }
  return work;
}

/// The background at every pixel, and where it was seen.
struct Reference {
  cv::Mat colour;  ///< CV_32FC3
  cv::Mat seen;    ///< 0 and 1; empty where none was found.
  bool dark = false;
};

Reference constant_reference(const cv::Size& size, float level) {
  return {cv::Mat(size, CV_32FC3, cv::Scalar::all(level)), {}, level < kGlass / 2};
}

Reference reference_of(const Background& background, const cv::Size& size) {
  Reference reference;
  const cv::Size whole = background.surface.size() * background.block;
  cv::resize(background.surface, reference.colour, whole, 0, 0, cv::INTER_LINEAR);
  cv::resize(background.blocks, reference.seen, whole, 0, 0, cv::INTER_NEAREST);
  const int below = size.height - whole.height;
  const int right = size.width - whole.width;
  cv::copyMakeBorder(reference.colour, reference.colour, 0, below, 0, right, cv::BORDER_REPLICATE);
  cv::copyMakeBorder(reference.seen, reference.seen, 0, below, 0, right, cv::BORDER_CONSTANT);
  reference.dark = background.is_dark();
  return reference;
}

/// A coloured "glass" must be large, smooth and the brightest part, else it is tissue.
bool is_believable(const Background& b) {
  constexpr double kNeutral = 20;
  const bool doubtful = b.noise > 2.5 || b.covered < 0.15 || b.brighter > 0.03;
  return b.colour_spread() <= kNeutral || !doubtful;
}

/// Overexposed glass or a clipped dark background is as uniform as padding, but not rectangular.
bool is_clipped(const Extreme& extreme) {
  return cv::mean(extreme.area)[0] > 0.02 && extreme.straightness < 0.5;
}

Reference choose_reference(const Work& work, const Padding& padding, const cv::Mat& valid,
                           const std::optional<Background>& background) {
  constexpr double kLitField = 0.08;  // Of a round field of view, black outside.
  const bool weak = !background || background->covered < 0.03 || background->colour_spread() > 20;
  if (weak && is_clipped(padding.white)) return constant_reference(work.rgb.size(), 255);
  const bool lit = background && !background->is_dark() && background->covered > kLitField;
  if (is_clipped(padding.black) && !lit) return constant_reference(work.rgb.size(), 0);
  if (background) return reference_of(*background, work.rgb.size());
  constexpr float kUsualGlass = 242;
  constexpr double kDarkPicture = 60;
  cv::Mat grey;
  cv::transform(work.rgb, grey, cv::Matx13f(1 / 3.0F, 1 / 3.0F, 1 / 3.0F));
  grey.convertTo(grey, CV_32F);
  const bool dark =
      cv::countNonZero(valid) > 0 && quantile(values_where(grey, valid), 0.5) < kDarkPicture;
  return constant_reference(work.rgb.size(), dark ? 0 : kUsualGlass);
}

/// How far pixels are from the background.
struct Strength {
  cv::Mat light;    ///< CV_32F, signed: negative is darker.
  cv::Mat colour;   ///< CV_32F, length of the difference in colour.
  cv::Mat total;    ///< CV_32F
  cv::Mat density;  ///< CV_32FC3, optical density; empty over a dark background.
};

/// The strongest noise of colour that is taken for what it is.
void limit_colour_noise(cv::Mat& colour, const cv::Mat& seen) {
  constexpr double kMost = 2.5;
  const double noise = quantile(values_where(colour, seen, 7), 0.95);
  colour *= std::min(1.0, kMost / std::max(noise, 0.1));
}

Strength strength_of(const Work& work, const Reference& reference, const cv::Mat& seen) {
  constexpr float kDarkestGlass = 20;
  constexpr double kGlare = 25;  // Brighter than the glass by less is not tissue.
  cv::Mat smooth;
  work.rgb.convertTo(smooth, CV_32FC3);
  cv::GaussianBlur(smooth, smooth, {0, 0}, std::max(0.6, kBlurUm / work.um));
  Strength s;
  cv::Mat difference;
  if (reference.dark) {
    difference = smooth - reference.colour;
  } else {
    const cv::Mat glass = cv::max(reference.colour, cv::Scalar::all(kDarkestGlass));
    const cv::Mat transmitted = smooth / glass;
    difference = transmitted * kGlass - cv::Scalar::all(kGlass);
    cv::Mat clipped = cv::min(cv::max(transmitted, cv::Scalar::all(0.004)), cv::Scalar::all(1.2));
    cv::log(clipped, clipped);
    s.density = clipped * (-1 / std::log(10.0));
  }
  cv::transform(difference, s.light, cv::Matx13f(1 / 3.0F, 1 / 3.0F, 1 / 3.0F));
  cv::Mat greys;
  cv::merge(std::vector<cv::Mat>(3, s.light), greys);
  difference -= greys;
  cv::Mat squares;
  cv::transform(difference.mul(difference), squares, cv::Matx13f(1, 1, 1));
  cv::sqrt(squares, s.colour);
  if (!seen.empty()) limit_colour_noise(s.colour, seen);
  if (!reference.dark) {
    const cv::Mat brighter = cv::max(s.light - kGlare, 0.0);
    s.light = cv::min(s.light, 0.0) + brighter;
  }
  cv::magnitude(s.light, s.colour, s.total);
  if (reference.dark) {
    const cv::Mat half = s.total * 0.5;
    half.copyTo(s.total, s.light < 0);
  }
  return s;
}

struct Thresholds {
  double low = 0;
  double high = 0;
};

Thresholds thresholds_of(const cv::Mat& strength, const cv::Mat& seen, bool dark, bool quantised) {
  const double noise = seen.empty() ? 0.0 : 1.1 * quantile(values_where(strength, seen, 7), 0.8);
  const double least = dark ? kLeastDark * (quantised ? 2 : 1) : kLeastBright;
  return {std::max(kLowFactor * noise, least), std::max(kHighFactor * noise, 2 * least)};
}

/// The mean strength around each pixel, weighted by itself, of what is above the threshold.
cv::Mat surroundings(const cv::Mat& strength, double um) {
  const double sigma = std::max(1.0, kSurroundingsUm / um);
  cv::Mat mean;
  cv::Mat square;
  cv::GaussianBlur(strength, mean, {0, 0}, sigma);
  cv::GaussianBlur(strength.mul(strength), square, {0, 0}, sigma);
  return square / cv::max(mean, 1e-3);
}

/// The same over a dark background: the geometric mean, for few bright nuclei do not make the dim
/// stroma around them a halo.
cv::Mat typical_surroundings(const cv::Mat& strength, const cv::Mat& above, double um) {
  const double sigma = std::max(1.0, kSurroundingsUm / um);
  cv::Mat logarithm;
  cv::log(cv::max(strength, 1e-3), logarithm);
  cv::Mat weight;
  above.convertTo(weight, CV_32F, 1 / 255.0);
  cv::Mat sum;
  cv::Mat weights;
  cv::GaussianBlur(logarithm.mul(weight), sum, {0, 0}, sigma);
  cv::GaussianBlur(weight, weights, {0, 0}, sigma);
  cv::Mat mean;
  cv::exp(sum / cv::max(weights, 1e-3), mean);
  return mean;
}

/// Over a dark background, what glows around something bright is a halo: it becomes 0.
cv::Mat without_glow(const Strength& s, double low, double um) {
  constexpr double kPart = 0.35;
  const cv::Mat above = s.total > low;
  const cv::Mat keep = above & (s.total > kPart * typical_surroundings(s.total, above, um));
  cv::Mat kept = cv::Mat::zeros(s.total.size(), CV_32F);
  s.total.copyTo(kept, keep);
  return kept;
}

/// Strengths below half of those around are halos: they become 0. By brightness where there is
/// some.
cv::Mat without_halos(const Strength& s, double low, double um) {
  cv::Mat above = s.total > low;
  cv::Mat total = cv::Mat::zeros(s.total.size(), CV_32F);
  cv::Mat light = total.clone();
  s.total.copyTo(total, above);
  cv::Mat(cv::abs(s.light)).copyTo(light, above);
  const cv::Mat light_around = surroundings(light, um);
  const cv::Mat by_light = light > kHalfHeight * light_around;
  cv::Mat keep = s.total > kHalfHeight * surroundings(total, um);
  by_light.copyTo(keep, light_around > 2 * low);
  cv::Mat kept = cv::Mat::zeros(s.total.size(), CV_32F);
  s.total.copyTo(kept, keep);
  return kept;
}

/// Where a pixel is darker or brighter than the background without a colour of its own.
cv::Mat is_colourless(const Strength& s) {
  constexpr double kPart = 0.15;
  constexpr double kRounding = 1.5;
  return (s.colour < kPart * cv::abs(s.light) + kRounding) / 255;
}

/// Threads, and the straight lines of frames: those that have no colour.
void drop_lines(cv::Mat& mask, const cv::Mat& colourless, double um) {
  mask &= grown(opened(mask, kLineUm / um), kLineUm / um + 1);
  const cv::Mat thin = mask & (1 - grown(opened(mask, kFrameUm / um), 2)) & colourless;
  const int run = std::max(9, static_cast<int>(kFrameLongUm / um));
  cv::Mat across;
  cv::Mat down;
  cv::morphologyEx(thin, across, cv::MORPH_OPEN, cv::Mat::ones(1, run, CV_8U));
  cv::morphologyEx(thin, down, cv::MORPH_OPEN, cv::Mat::ones(run, 1, CV_8U));
  mask &= 1 - (across | down);
}

/// All that was found on the way to a mask.
struct Detection {
  cv::Mat mask;  ///< 0 and 1, at the scale of work.
  std::optional<Background> background;
  bool dark = false;
  Thresholds thresholds;
  double contrast = 0;            ///< Median strength above the high threshold.
  double stability = 1;           ///< How far the area keeps when the threshold moves by 30 %.
  std::optional<cv::Rect> frame;  ///< Of printed spots: what lies outside is left out.
  std::vector<Reading> readings;
  double ink = 0;  ///< Parts of the picture.
  double padding = 0;
};

double part_of(const cv::Mat& mask) { return cv::mean(mask)[0]; }

double stability_of(const cv::Mat& mask, const cv::Mat& strength, double low) {
  cv::Mat near;
  cv::dilate(mask, near, cv::Mat::ones(9, 9, CV_8U));
  near *= 255;
  const double strict = cv::countNonZero((strength > 1.3 * low) & near);
  const double loose = cv::countNonZero((strength > 0.7 * low) & near);
  return strict / std::max(1.0, loose);
}

cv::Mat flat_pixels(const std::optional<Background>& background, const cv::Size& size) {
  cv::Mat flat;
  if (background) cv::resize(background->flat, flat, size, 0, 0, cv::INTER_NEAREST);
  return flat;
}

cv::Mat inside_of(const cv::Mat& image, const cv::Rect& part) {
  cv::Mat result = cv::Mat::zeros(image.size(), image.type());
  image(part).copyTo(result(part));
  return result;
}

/// Shade, smudges and glass of another brightness: colourless areas that are as smooth as the
/// background, with their edges. `flat` is of the background.
cv::Mat find_shade(const cv::Mat& colourless, const cv::Mat& flat, const Padding& padding,
                   double um) {
  constexpr double kLeastRadiusUm = 72;
  constexpr double kEdgeUm = 40;
  constexpr double kRimUm = 160;
  constexpr double kRoundField = 0.5;
  cv::Mat shade = cv::Mat::zeros(colourless.size(), CV_8U);
  if (!flat.empty()) {
    const cv::Mat smooth = opened(colourless & flat, kLeastRadiusUm / um);
    shade |= smooth | (grown(smooth, kEdgeUm / um) & colourless);
  }
  if (padding.black.straightness < kRoundField) {
    shade |= grown(padding.black.area, kRimUm / um) & colourless;
  }
  return shade;
}

/// Fat between the walls that the threshold finds, and nets of fainter ones.
cv::Mat find_fat(const cv::Mat& walls, const NetEvidence& evidence,
                 const std::optional<cv::Rect>& frame) {
  const cv::Mat net = find_fat_net(evidence);
  return fat_between(walls, kFatCellUm, evidence.um) | (frame ? inside_of(net, *frame) : net);
}

Ink no_ink(const cv::Size& size) {
  return {cv::Mat::zeros(size, CV_8U), cv::Mat::zeros(size, CV_8U)};
}

Detection detect(const Work& work, const LabelSettings& settings) {
  Detection found;
  const Padding padding = find_padding(work.rgb, work.missing);
  const cv::Mat valid = (padding.zone == 0) / 255;
  found.background = find_background(work.rgb, valid);
  if (found.background && !is_believable(*found.background)) found.background.reset();
  const Reference reference = choose_reference(work, padding, valid, found.background);
  found.dark = reference.dark;
  const cv::Mat seen = reference.seen.empty() ? cv::Mat() : cv::Mat(reference.seen.mul(valid));
  Strength strength = strength_of(work, reference, seen);
  strength.total.setTo(0, padding.area);
  found.thresholds = thresholds_of(strength.total, seen, reference.dark,
                                   found.background && found.background->is_quantised);
  const auto [low, high] = found.thresholds;
  found.contrast = quantile(values_where(strength.total, strength.total > high), 0.5);
  const cv::Mat kept =
      reference.dark ? without_glow(strength, low, work.um) : without_halos(strength, low, work.um);
  const cv::Mat flat = flat_pixels(found.background, work.rgb.size());
  const cv::Mat colourless = is_colourless(strength);
  Ink ink = no_ink(work.rgb.size());
  cv::Mat tissue = kept.clone();
  if (!reference.dark) {
    const cv::Mat shade = find_shade(colourless, flat, padding, work.um);
    strength.density.setTo(0, shade);
    ink = find_ink(strength.density, work.um);
    tissue.setTo(0, ink.area | shade);
  }
  found.frame = find_spot_frame(strength.total);
  if (found.frame) tissue = inside_of(tissue, *found.frame);
  cv::Mat weak = (tissue > low) / 255;
  weak.setTo(0, padding.zone);
  cv::Mat mask = closed(pieces_with(weak, (tissue > high) / 255), kCloseUm / work.um);
  cv::Mat above = (strength.total > low) / 255;
  above.setTo(0, padding.zone | ink.area);
  if (found.frame) above = inside_of(above, *found.frame);
  const cv::Mat walls = find_walls(above & (1 - colourless), work.um);
  if (!reference.dark) {
    const cv::Mat no_wall = padding.zone | grown(ink.area, kInkEdgeUm / work.um);
    mask |= find_fat(
        walls, {strength.total, strength.light, strength.colour, above, seen, no_wall, work.um},
        found.frame);
  }
  mask.setTo(0, padding.area | ink.area);
  fill_small_holes(mask, settings.min_hole_um2 / work.area());
  mask.setTo(0, padding.area);
  drop_lines(mask, colourless, work.um);
  mask = tissue_pieces(mask, {strength.light, strength.colour, flat, reference.dark, work.um});
  // The rim beside padding, which was left out, where tissue touches it.
  cv::Mat rim;
  cv::dilate(mask, rim, cv::Mat::ones(5, 5, CV_8U));
  mask |= rim & padding.zone & (1 - padding.area) & ((tissue > low) / 255);
  found.mask = mask;
  found.readings = other_readings({mask, walls, strength.total, strength.light, strength.colour,
                                   ink, high, reference.dark, work.um});
  found.stability = stability_of(mask, tissue, low);
  found.ink = part_of(ink.area);
  found.padding = part_of(padding.area);
  return found;
}

/// Lowers the confidence and says why.
void judge(const Detection& found, TissueMask& result) {
  const auto lower = [&](double factor, const std::string& reason) {
    result.confidence *= factor;
    result.confidence_reasons.push_back(reason);
  };
  const bool empty = cv::countNonZero(found.mask) == 0;
  if (!found.background) {
    lower(0.5, "no even background was found");
  } else {
    if (found.background->covered < 0.02) lower(0.7, "little background is in the picture");
    if (found.background->colour_spread() > 40) lower(0.8, "the background is coloured");
    if (found.background->brighter > 0.02 && !found.dark) {
      lower(0.8, "parts are brighter than the background");
    }
  }
  constexpr double kStable = 0.85;
  constexpr double kUnstable = 0.4;
  if (!empty && found.stability < kStable) {
    lower(std::max(0.2, (found.stability - kUnstable) / (kStable - kUnstable)),
          "the border depends on the threshold");
  }
  if (!empty && found.contrast < 1.25 * found.thresholds.high) lower(0.8, "the tissue is faint");
  constexpr double kNearlyAll = 0.95;
  for (const Reading& reading : found.readings) {
    if (trust_in(reading) < kNearlyAll) lower(trust_in(reading), reading.reason);
  }
  if (found.ink > 0.05) {  // What of it is doubtful is a reading.
    result.confidence_reasons.push_back(fmt::format("{:.0f} % is ink", 100 * found.ink));
  }
  if (found.padding > 0.5) lower(0.9, fmt::format("{:.0f} % is padding", 100 * found.padding));
  if (found.frame) result.confidence_reasons.emplace_back("inside of a frame of spots");
  if (found.dark) result.confidence_reasons.emplace_back("dark background");
}

cv::Mat enlarged(const cv::Mat& mask, const Extent& extent) {
  cv::Mat large;
  mask.convertTo(large, CV_32F);
  cv::resize(large, large, {static_cast<int>(extent.cols), static_cast<int>(extent.rows)}, 0, 0,
             cv::INTER_LINEAR);
  return (large > 0.5) / 255;
}

}  // namespace

TissueMask robust_tissue(const Overview& overview, const LabelSettings& settings,
                         const PixelSize& pixel) {
  constexpr int64_t kLeastPicture = 16;
  if (std::min(overview.extent.rows, overview.extent.cols) < kLeastPicture) {
    TissueMask none = no_tissue(
        overview, fmt::format("a picture of {} is too small to tell tissue from background",
                              to_string(overview.extent)));
    none.confidence = 0;
    none.confidence_reasons = {none.empty_reason};
    return none;
  }
  const Work work = reduce(overview, pixel);
  const Detection found = detect(work, settings);
  const cv::Mat mask = enlarged(found.mask, overview.extent);
  TissueMask result = tissue_mask({mask.data, mask.total()}, overview);
  result.threshold = found.thresholds.low;
  judge(found, result);
  if (result.fraction == 0) {
    result.empty_reason = "nothing stands out from the background";
  }
  if (result.confidence < kDoubtful) {
    result.warnings.push_back(fmt::format("the label is doubtful (confidence {:.2f}): {}",
                                          result.confidence,
                                          fmt::join(result.confidence_reasons, "; ")));
  }
  return result;
}

}  // namespace untiled
