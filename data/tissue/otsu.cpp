#include "data/tissue/otsu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "data/tissue/mask_shapes.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

/// Below this difference of the two classes' means a slide counts as blank: stained tissue differs
/// from glass by 30 and more, JPEG noise and uneven light by less than 8.
constexpr double kLeastContrast = 12.0;
/// Glass is light; below this mean the lighter class is hardly glass.
constexpr double kDarkestGlass = 150.0;
constexpr double kLeastFraction = 0.001;
constexpr double kMostFraction = 0.95;
/// Wider medians overflow OpenCV's 16-bit counters.
constexpr int kWidestMedian = 255;

/// ITU-R BT.601 luma, rounded.
uint8_t grey_of(const uint8_t* rgb) {
  return static_cast<uint8_t>((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
}

Bytes to_grey(const Overview& overview) {
  Bytes grey(static_cast<size_t>(overview.extent.area()));
  for (size_t i = 0; i < grey.size(); ++i) grey[i] = grey_of(&overview.rgb[3 * i]);
  return grey;
}

bool is_missing(const Overview& overview, size_t index) {
  return !overview.missing.empty() && overview.missing[index] != 0;
}

Histogram histogram_of(const Bytes& grey, const Overview& overview) {
  Histogram histogram{};
  for (size_t i = 0; i < grey.size(); ++i) {
    if (!is_missing(overview, i)) ++histogram[grey[i]];
  }
  return histogram;
}

cv::Mat dark_pixels(const Bytes& grey, const Overview& overview, int threshold) {
  cv::Mat dark(static_cast<int>(overview.extent.rows), static_cast<int>(overview.extent.cols),
               CV_8UC1);
  for (size_t i = 0; i < grey.size(); ++i) {
    dark.data[i] = grey[i] <= threshold && !is_missing(overview, i) ? 1 : 0;
  }
  return dark;
}

/// The odd number of pixels nearest to the filter's diameter.
int median_width(const LabelSettings& settings, const PixelSize& pixel) {
  const double pixels = settings.median_um / std::sqrt(pixel.area_um2());
  if (pixels > kWidestMedian) {
    throw ConfigError(
        fmt::format("labels.median_um: {:g} um is {:.0f} pixels at the labels' scale, the widest "
                    "filter is {}; lower it or raise labels.mpp",
                    settings.median_um, pixels, kWidestMedian));
  }
  return 2 * static_cast<int>(std::lround(std::max(0.0, (pixels - 1) / 2))) + 1;
}

cv::Mat median(const cv::Mat& mask, int width) {
  if (width == 1) return mask;
  cv::Mat smooth;
  cv::medianBlur(mask, smooth, width);
  return smooth;
}

cv::Mat clean(const cv::Mat& dark, const LabelSettings& settings, const PixelSize& pixel) {
  cv::Mat mask = median(dark, median_width(settings, pixel));
  fill_small_holes(mask, settings.min_hole_um2 / pixel.area_um2());
  drop_small_objects(mask, settings.min_object_um2 / pixel.area_um2());
  return mask;
}

std::vector<std::string> doubts_about_glass(const OtsuSplit& split) {
  if (split.mean_light >= kDarkestGlass) return {};
  return {fmt::format(
      "the lighter part has a mean grey level of {:.0f}: a dark background (fluorescence?), or no "
      "glass in the picture; grey Otsu takes the darker part for tissue",
      split.mean_light)};
}

std::vector<std::string> doubts(double fraction, const OtsuSplit& split) {
  std::vector<std::string> found = doubts_about_glass(split);
  if (fraction > 0 && fraction < kLeastFraction) {
    found.push_back(fmt::format("only {:.3f} % is tissue", 100 * fraction));
  }
  if (fraction > kMostFraction) found.push_back(fmt::format("{:.1f} % is tissue", 100 * fraction));
  if (split.contrast() < 2 * kLeastContrast) {
    found.push_back(
        fmt::format("tissue and glass differ by {:.0f} grey levels only", split.contrast()));
  }
  return found;
}

}  // namespace

std::optional<OtsuSplit> otsu_split(const Histogram& histogram) {
  int64_t count = 0;
  int64_t sum = 0;
  for (int level = 0; level < 256; ++level) {
    count += histogram[static_cast<size_t>(level)];
    sum += level * histogram[static_cast<size_t>(level)];
  }
  std::optional<OtsuSplit> best;
  double best_variance = 0;
  int64_t dark_count = 0;
  int64_t dark_sum = 0;
  for (int level = 0; level < 255; ++level) {
    dark_count += histogram[static_cast<size_t>(level)];
    dark_sum += level * histogram[static_cast<size_t>(level)];
    const int64_t light_count = count - dark_count;
    if (dark_count == 0 || light_count == 0) continue;
    const OtsuSplit split = {
        level, static_cast<double>(dark_sum) / static_cast<double>(dark_count),
        static_cast<double>(sum - dark_sum) / static_cast<double>(light_count)};
    const double variance = static_cast<double>(dark_count) * static_cast<double>(light_count) *
                            split.contrast() * split.contrast();
    if (variance <= best_variance) continue;
    best_variance = variance;
    best = split;
  }
  return best;
}

TissueMask otsu_tissue(const Overview& overview, const LabelSettings& settings,
                       const PixelSize& pixel) {
  const Bytes grey = to_grey(overview);
  const Histogram histogram = histogram_of(grey, overview);
  if (std::accumulate(histogram.begin(), histogram.end(), int64_t{0}) == 0) {
    return no_tissue(overview, "no pixel of the slide has data");
  }
  const auto split = otsu_split(histogram);
  if (!split || split->contrast() < kLeastContrast) {
    TissueMask blank = no_tissue(
        overview, fmt::format("the slide is blank: its darker and lighter parts differ by {:.1f} "
                              "grey levels, tissue and glass by at least {:g}",
                              split ? split->contrast() : 0.0, kLeastContrast));
    if (split) blank.warnings = doubts_about_glass(*split);
    blank.confidence_reasons = blank.warnings;
    if (!blank.warnings.empty()) blank.confidence = kDoubtful;
    return blank;
  }
  const cv::Mat mask = clean(dark_pixels(grey, overview, split->threshold), settings, pixel);
  TissueMask result = tissue_mask({mask.data, mask.total()}, overview);
  result.threshold = split->threshold;
  result.warnings = doubts(result.fraction, *split);
  result.confidence_reasons = result.warnings;
  constexpr double kOfOneDoubt = 0.5;
  result.confidence = std::pow(kOfOneDoubt, static_cast<double>(result.warnings.size()));
  if (result.fraction == 0) {
    result.empty_reason = fmt::format("every dark piece is smaller than labels.min_object_um2 ({})",
                                      settings.min_object_um2);
  }
  return result;
}

}  // namespace untiled
