#include "data/tissue/tissue_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/slide/view.h"
#include "data/tissue/index_png.h"
#include "data/tissue/otsu.h"
#include "data/tissue/robust.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

/// Slides of unknown scale: a slide scanned at 20x, or where a file is small a picture of one.
constexpr int64_t kUnknownScaleDownsample = 16;
constexpr double kUnknownScaleMpp = 0.5;
/// Pictures of up to this side are taken as they are, those of up to twice of it halved, and larger
/// ones brought to the smaller side, for work grows with the area.
constexpr int64_t kWholeSide = 2048;
constexpr int64_t kReducedSide = 1536;
/// A picture takes about 12 bytes a pixel while it is worked on, and its mask must fit into a PNG.
constexpr int64_t kMostPicturePixels = kMostPngPixels;

std::optional<PixelSize> level0_pixel(const ViewInfo& level0) {
  if (!level0.mpp_x || !level0.mpp_y) return std::nullopt;
  return PixelSize{*level0.mpp_x, *level0.mpp_y};
}

PixelSize times(const PixelSize& pixel, int64_t downsample) {
  const auto d = static_cast<double>(downsample);
  return {pixel.x_um * d, pixel.y_um * d};
}

const LevelInfo& level_of(const SlideInfo& slide, int level) {
  if (level >= 0 && static_cast<size_t>(level) < slide.levels.size()) {
    return slide.levels[static_cast<size_t>(level)];
  }
  throw DataError(fmt::format("{} has no level {} to make labels of: its levels are 0 to {}",
                              slide.path.string(), level, slide.levels.size() - 1));
}

/// The published method takes 1/16, robust what gives a picture of a usual size.
int64_t unknown_downsample(const Extent& level0, LabelMethod method) {
  if (method == LabelMethod::kOtsu) return kUnknownScaleDownsample;
  const int64_t side = std::max(level0.rows, level0.cols);
  const int64_t most = side <= 2 * kWholeSide ? kWholeSide : kReducedSide;
  return std::clamp<int64_t>(ceil_div(side, most), 1, kUnknownScaleDownsample);
}

int64_t choose_downsample(const SlideInfo& slide, const TissueOptions& options,
                          const std::optional<PixelSize>& pixel) {
  if (options.level) return std::llround(level_of(slide, *options.level).downsample);
  if (!pixel) return unknown_downsample(slide.levels.front().extent, options.labels.method);
  return std::max<int64_t>(1, std::llround(options.labels.mpp / std::sqrt(pixel->area_um2())));
}

/// A slide's frame at 1/d whether or not its scale is known: the scale is counted in level-0
/// pixels.
std::shared_ptr<const SlideView> picture_view(const std::shared_ptr<const SlideReader>& reader,
                                              const TissueOptions& options, int64_t downsample) {
  ViewOptions view;
  view.origin = options.origin;
  view.stated_mpp = 1.0;
  view.mpp = static_cast<double>(downsample);
  view.exact_extent = true;
  auto picture = make_view(reader, view);
  if (picture->extent().area() > kMostPicturePixels) {
    throw ConfigError(
        fmt::format("{}: labels are made on a picture in memory, and one of {} is "
                    "too large; raise labels.mpp or take a higher level",
                    reader->info().path.string(), to_string(picture->extent())));
  }
  return picture;
}

/// So that a pixel of the picture is 8 um.
PixelSize assumed_pixel(int64_t downsample) {
  const double um = kUnknownScaleMpp * static_cast<double>(kUnknownScaleDownsample) /
                    static_cast<double>(downsample);
  return {um, um};
}

std::string unknown_scale_warning(int64_t downsample, const PixelSize& assumed) {
  return fmt::format(
      "the slide's scale is unknown: labels are made at 1/{}, and sizes of holes and "
      "objects take {:g} um per pixel of level 0",
      downsample, assumed.x_um);
}

}  // namespace

std::optional<double> TissueLabels::area_mm2() const {
  if (!pixel) return std::nullopt;
  constexpr double kUm2PerMm2 = 1e6;
  const auto count = std::count(map.classes.begin(), map.classes.end(), uint8_t{1});
  return static_cast<double>(count) * pixel->area_um2() / kUm2PerMm2;
}

TissueLabels label_tissue(const std::shared_ptr<const SlideReader>& reader,
                          const TissueOptions& options) {
  ViewOptions level0_options;
  level0_options.stated_mpp = options.stated_mpp;
  level0_options.assume_mpp = options.assume_mpp;
  level0_options.origin = options.origin;
  const ViewInfo level0 = make_view(reader, level0_options)->info();
  const auto pixel = level0_pixel(level0);
  TissueLabels result;
  result.downsample = choose_downsample(reader->info(), options, pixel);
  const auto picture = picture_view(reader, options, result.downsample);
  result.overview = read_overview(*picture, options.threads);
  const PixelSize assumed = pixel.value_or(assumed_pixel(result.downsample));
  const PixelSize picture_pixel = times(assumed, result.downsample);
  result.tissue = options.labels.method == LabelMethod::kOtsu
                      ? otsu_tissue(result.overview, options.labels, picture_pixel)
                      : robust_tissue(result.overview, options.labels, picture_pixel);
  if (pixel) result.pixel = times(*pixel, result.downsample);
  if (!pixel) result.tissue.warnings.push_back(unknown_scale_warning(result.downsample, assumed));
  result.map = {picture->extent(), std::exchange(result.tissue.classes, {}), level0.extent,
                result.downsample};
  return result;
}

}  // namespace untiled
