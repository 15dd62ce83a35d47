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
#include "data/tissue/grey_parts.h"
#include "data/tissue/ink.h"
#include "data/tissue/label_readings.h"
#include "data/tissue/mask_shapes.h"
#include "data/tissue/padding.h"
#include "data/tissue/quantile.h"
#include "data/tissue/reference.h"
#include "data/tissue/spot_frame.h"
#include "data/tissue/strength.h"
#include "data/tissue/tissue_pieces.h"

namespace untiled {
namespace {

constexpr double kWorkUm = 8.0;
constexpr int kLeastSide = 256;       ///< A picture is not reduced below this.
constexpr double kLeastBright = 4.5;  ///< The lowest threshold over bright glass, of kGlass.
constexpr double kLeastDark = 1.2;    ///< Over a dark background, grey levels.
constexpr double kLowFactor = 2.2;    ///< Thresholds in multiples of the background's noise.
constexpr double kHighFactor = 4.5;
constexpr double kCloseUm = 24;
constexpr double kInkEdgeUm = 48;     ///< The edges of ink are thin as walls of fat are.
constexpr double kLineUm = 28;        ///< Half the width of threads that are dropped.
constexpr double kFrameUm = 80;       ///< The same of straight lines ...
constexpr double kGreyLine = 0.1;     ///< The most colour of those, of their brightness.
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

struct Thresholds {
  double low = 0;
  double high = 0;
};

Thresholds thresholds_of(const cv::Mat& strength, const cv::Mat& seen, bool dark, bool quantised) {
  const double noise = seen.empty() ? 0.0 : 1.1 * quantile(values_where(strength, seen, 7), 0.8);
  const double least = dark ? kLeastDark * (quantised ? 2 : 1) : kLeastBright;
  return {std::max(kLowFactor * noise, least), std::max(kHighFactor * noise, 2 * least)};
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
  double contrast = 0;   ///< Median strength above the high threshold.
  double stability = 1;  ///< How far the area keeps when the threshold moves by 30 %.
  cv::Mat frame;         ///< What a frame of spots encloses: the rest is left out. Or empty.
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

cv::Mat at_pixels(const cv::Mat& blocks, const cv::Size& size) {
  cv::Mat pixels;
  if (!blocks.empty()) cv::resize(blocks, pixels, size, 0, 0, cv::INTER_NEAREST);
  return pixels;
}

/// All of an image where there is no frame.
cv::Mat inside_of(const cv::Mat& image, const cv::Mat& frame) {
  if (frame.empty()) return image;
  cv::Mat result = cv::Mat::zeros(image.size(), image.type());
  image.copyTo(result, frame);
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
cv::Mat find_fat(const cv::Mat& walls, const NetEvidence& evidence, const cv::Mat& frame) {
  return fat_between(walls, kFatCellUm, evidence.um) | inside_of(find_fat_net(evidence), frame);
}

Ink no_ink(const cv::Size& size) {
  return {cv::Mat::zeros(size, CV_8U), cv::Mat::zeros(size, CV_8U)};
}

/// What is known of every pixel.
struct Scene {
  Padding padding;
  Reference reference;
  cv::Mat seen;  ///< 0 and 1: where the background was, empty where none was found.
  Strength strength;
  cv::Mat flat;    ///< 0 and 1: as smooth as the background ...
  cv::Mat smooth;  ///< ... and from block to block too; empty where none was found.
  cv::Mat film;    ///< 0 and 1: smooth, faint and taken for glass; empty: nowhere.
  cv::Mat colourless;
};

cv::Mat films_of(const Background& glass, const cv::Size& size) {
  cv::Mat films;
  for (const Pane& pane : glass.panes) {
    if (!pane.is_film) continue;
    const cv::Mat film = at_pixels(pane.blocks / 255, size);
    films = films.empty() ? film : cv::Mat(films | film);
  }
  return films;
}

Scene look_at(const Work& work, Detection& found) {
  Scene scene;
  scene.padding = find_padding(work.rgb, work.missing);
  const cv::Mat valid = (scene.padding.zone == 0) / 255;
  found.background = find_background(work.rgb, valid);
  if (found.background && !is_believable(*found.background)) found.background.reset();
  scene.reference = choose_reference(work.rgb, scene.padding, valid, found.background);
  found.dark = scene.reference.dark;
  if (!scene.reference.seen.empty()) scene.seen = scene.reference.seen.mul(valid);
  scene.strength = strength_of(work.rgb, scene.reference, scene.seen, work.um);
  scene.strength.total.setTo(0, scene.padding.area);
  scene.colourless = is_colourless(scene.strength);
  if (found.background) {
    scene.flat = at_pixels(found.background->flat, work.rgb.size());
    scene.smooth = at_pixels(found.background->smooth, work.rgb.size());
    scene.film = films_of(*found.background, work.rgb.size());
  }
  return scene;
}

/// What stands out from the background and is neither shade nor ink nor outside of a frame.
struct Matter {
  cv::Mat strength;  ///< CV_32F, 0 elsewhere; halos are left out.
  cv::Mat above;     ///< 0 and 1: over the low threshold, with halos and shade.
  Ink ink;
};

Matter find_matter(const Scene& scene, double um, Detection& found) {
  const double low = found.thresholds.low;
  const Strength& strength = scene.strength;
  Matter matter{found.dark ? without_glow(strength, low, um) : without_halos(strength, low, um),
                (strength.total > low) / 255, no_ink(strength.total.size())};
  if (!found.dark) {
    const cv::Mat shade = find_shade(scene.colourless, scene.flat, scene.padding, um);
    cv::Mat density = strength.density.clone();
    density.setTo(0, shade);
    matter.ink = find_ink(density, um);
    matter.strength.setTo(0, matter.ink.area | shade);
  }
  matter.above.setTo(0, scene.padding.zone | matter.ink.area);
  found.frame = find_spot_frame(strength.total, low);
  matter.strength = inside_of(matter.strength, found.frame);
  matter.above = inside_of(matter.above, found.frame);
  return matter;
}

/// What reaches the high threshold, with gaps closed, and fat.
cv::Mat first_mask(const Scene& scene, const Matter& matter, const cv::Mat& walls, double um,
                   const Detection& found) {
  const auto [low, high] = found.thresholds;
  cv::Mat weak = (matter.strength > low) / 255;
  weak.setTo(0, scene.padding.zone);
  cv::Mat mask = closed(pieces_with(weak, (matter.strength > high) / 255), kCloseUm / um);
  if (found.dark) return mask;
  const Strength& strength = scene.strength;
  const cv::Mat no_wall = scene.padding.zone | grown(matter.ink.area, kInkEdgeUm / um);
  return mask | find_fat(walls,
                         {strength.total, strength.light, strength.colour, matter.above, scene.seen,
                          no_wall, um},
                         found.frame);
}

/// The rim beside padding, which was left out, where tissue touches it.
cv::Mat rim_at_padding(const cv::Mat& mask, const Padding& padding) {
  cv::Mat rim;
  cv::dilate(mask, rim, cv::Mat::ones(5, 5, CV_8U));
  return rim & padding.zone & (1 - padding.area);
}

Detection detect(const Work& work, const LabelSettings& settings) {
  Detection found;
  const Scene scene = look_at(work, found);
  const Strength& strength = scene.strength;
  found.thresholds = thresholds_of(strength.total, scene.seen, found.dark,
                                   found.background && found.background->is_quantised);
  const auto [low, high] = found.thresholds;
  found.contrast = quantile(values_where(strength.total, strength.total > high), 0.5);
  const Matter matter = find_matter(scene, work.um, found);
  const cv::Mat walls = find_walls(matter.above & (1 - scene.colourless), work.um);
  cv::Mat mask = first_mask(scene, matter, walls, work.um, found);
  mask.setTo(0, scene.padding.area | matter.ink.area);
  fill_small_holes(mask, settings.min_hole_um2 / work.area());
  mask.setTo(0, scene.padding.area);
  const cv::Mat grey = found.dark ? cv::Mat::zeros(mask.size(), CV_8U)
                                  : grey_parts(mask, {strength.light, strength.colour, work.um});
  mask.setTo(0, grey);
  drop_lines(mask, is_colourless(strength, kGreyLine), work.um);
  mask = tissue_pieces(
      mask, {strength.light, strength.colour, scene.flat, scene.smooth, found.dark, work.um});
  mask |= rim_at_padding(mask, scene.padding) & ((matter.strength > low) / 255);
  found.mask = mask;
  found.readings =
      other_readings({mask, walls, strength.total, strength.light, strength.colour, scene.smooth,
                      scene.film, grey, matter.ink, high, found.dark, work.um});
  found.stability = stability_of(mask, matter.strength, low);
  found.ink = part_of(matter.ink.area);
  found.padding = part_of(scene.padding.area);
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
  if (!found.frame.empty()) result.confidence_reasons.emplace_back("inside of a frame of spots");
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
