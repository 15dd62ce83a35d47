#include "data/slide/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/slide/area_average.h"
#include "data/slide/samples.h"
#include "data/slide/scale.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

/// A level this close to the scale asked for is used as it is.
constexpr double kScaleTolerance = 0.005;

/// Source pixels that are read at a time for resampling.
constexpr int64_t kSourcePixels = int64_t{1} << 21;

struct Pair {
  double x;
  double y;
};

void require_inside(const SlideReader& reader, const ViewInfo& info, const Region& region) {
  if (whole(info.extent).contains(region)) return;
  throw DataError(fmt::format("{} lie outside the view of {}, which has {}", to_string(region),
                              reader.info().path.string(), to_string(info.extent)));
}

/// A rectangle of one level, pixel for pixel.
class LevelView : public SlideView {
 public:
  LevelView(std::shared_ptr<const SlideReader> reader, ViewInfo info, Region region_level)
      : SlideView(std::move(reader), std::move(info)), region_level_(region_level) {}

  PixelBlock read(const Region& region) const override {
    require_inside(reader(), info(), region);
    PixelBlock block = reader().read(info().level, in_level(region));
    block.region = region;
    return block;
  }

  void read_into(const Region& region, const PixelTarget& target) const override {
    require_inside(reader(), info(), region);
    PixelTarget in_file = target;
    in_file.region = in_level(target.region);
    reader().read_into(info().level, in_level(region), in_file);
  }

  StoredTile stored_tile(const Region& cell) const override {
    require_inside(reader(), info(), cell);
    StoredTile tile = reader().stored_tile(info().level, in_level(cell));
    tile.region = shift(tile.region, -region_level_.rows.begin, -region_level_.cols.begin);
    return tile;
  }

  CellGrid cells() const override {
    const Extent tile = reader().info().levels[static_cast<size_t>(info().level)].tile;
    if (tile.empty()) return {};
    return {tile, -(region_level_.rows.begin % tile.rows), -(region_level_.cols.begin % tile.cols)};
  }

 private:
  Region in_level(const Region& region) const {
    return shift(region, region_level_.rows.begin, region_level_.cols.begin);
  }

  Region region_level_;
};

/// The area average of one level.
class ResampledView : public SlideView {
 public:
  ResampledView(std::shared_ptr<const SlideReader> reader, ViewInfo info, AxisSampling rows,
                AxisSampling cols)
      : SlideView(std::move(reader), std::move(info)), rows_(rows), cols_(cols) {}

  PixelBlock read(const Region& region) const override {
    require_inside(reader(), info(), region);
    if (region.empty()) return {region, 3, {}, {}};
    PixelBlock block = empty_block(region);
    for (const Region& tile : tile_grid(region.extent(), tile_extent(region))) {
      copy_overlap(average(shift(tile, region.rows.begin, region.cols.begin)), block);
    }
    drop_empty_mask(block);
    return block;
  }

 private:
  PixelBlock average(const Region& region) const {
    const Region source = {covered(rows_, region.rows), covered(cols_, region.cols)};
    return area_average(reader().read(info().level, source), rows_, cols_, region,
                        reader().info().background);
  }

  /// Output pixels whose source fits kSourcePixels: about square in the source, as its tiles are,
  /// or longer where the region is narrow.
  Extent tile_extent(const Region& region) const {
    const double row_cost = std::max(rows_.step, 1.0);
    const double col_cost = std::max(cols_.step, 1.0);
    const auto budget = static_cast<double>(kSourcePixels);
    const auto side = static_cast<int64_t>(std::sqrt(budget) / col_cost);
    const int64_t cols = std::clamp<int64_t>(side, 1, region.cols.size());
    const auto rows =
        static_cast<int64_t>(budget / (static_cast<double>(cols) * col_cost) / row_cost);
    return {std::clamp<int64_t>(rows, 1, region.rows.size()), cols};
  }

  AxisSampling rows_;
  AxisSampling cols_;
};

/// Level 0's scale by the order of belief.
ScaleClaim scale_of(const SlideInfo& info, const ViewOptions& options) {
  if (options.stated_mpp) return {"stated", options.stated_mpp, options.stated_mpp};
  const bool guessed = info.mpp_source == "objective-assumed";
  if (options.assume_mpp && (!info.mpp_x || guessed)) {
    return {"assumed", options.assume_mpp, options.assume_mpp};
  }
  return {info.mpp_source, info.mpp_x, info.mpp_y};
}

/// The crop in the whole slide's level-0 pixels.
Region base_region(const SlideInfo& info, const ViewOptions& options, const Region& frame) {
  if (!options.crop_level0) return frame;
  const Region crop = shift(*options.crop_level0, frame.rows.begin, frame.cols.begin);
  if (crop.empty() || !frame.contains(crop)) {
    throw DataError(fmt::format("{} cannot be cropped to {}: the slide has {} at level 0",
                                info.path.string(), to_string(*options.crop_level0),
                                to_string(frame.extent())));
  }
  return crop;
}

/// Level pixels that touch [begin, end) of level 0, inside the level.
Interval level_interval(const Interval& level0, double downsample, int64_t level_size,
                        bool to_the_end) {
  const auto begin =
      static_cast<int64_t>(std::floor(static_cast<double>(level0.begin) / downsample));
  const auto end = static_cast<int64_t>(std::ceil(static_cast<double>(level0.end) / downsample));
  const Interval first = {std::clamp<int64_t>(begin, 0, level_size - 1), 0};
  return {first.begin,
          to_the_end ? level_size : std::clamp<int64_t>(end, first.begin + 1, level_size)};
}

ViewInfo describe(const ScaleClaim& scale, const Region& frame, const Pair& downsample) {
  ViewInfo info;
  info.frame_level0 = frame;
  info.downsample_x = downsample.x;
  info.downsample_y = downsample.y;
  info.mpp_source = scale.source;
  if (scale.mpp_x) info.mpp_x = *scale.mpp_x * downsample.x;
  if (scale.mpp_y) info.mpp_y = *scale.mpp_y * downsample.y;
  return info;
}

std::shared_ptr<const SlideView> level_view(std::shared_ptr<const SlideReader> reader, int level,
                                            const ScaleClaim& scale, const Region& frame,
                                            const Region& base) {
  const SlideInfo& slide = reader->info();
  const LevelInfo& source = slide.levels[static_cast<size_t>(level)];
  const Extent& level0 = slide.levels.front().extent;
  const double d = source.downsample;
  const Region region = {
      level_interval(base.rows, d, source.extent.rows, base.rows.end == level0.rows),
      level_interval(base.cols, d, source.extent.cols, base.cols.end == level0.cols)};
  ViewInfo info = describe(scale, frame, {d, d});
  info.extent = region.extent();
  info.level = level;
  info.offset_x_level0 = static_cast<double>(region.cols.begin) * d;
  info.offset_y_level0 = static_cast<double>(region.rows.begin) * d;
  return std::make_shared<LevelView>(std::move(reader), std::move(info), region);
}

/// Whole numbers where a scale is one but for rounding, so that windows fall on pixel borders.
double snapped(double step) {
  const double nearest = std::round(step);
  return std::abs(step - nearest) <= 1e-6 * step ? nearest : step;
}

int64_t output_size(const Interval& level0, double downsample) {
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::ceil(static_cast<double>(level0.size()) / downsample - 1e-6)));
}

std::shared_ptr<const SlideView> resampled_view(std::shared_ptr<const SlideReader> reader,
                                                int level, const ScaleClaim& scale,
                                                const Region& frame, const Region& base,
                                                const Pair& downsample) {
  const LevelInfo& source = reader->info().levels[static_cast<size_t>(level)];
  const double d = source.downsample;
  const AxisSampling rows = {static_cast<double>(base.rows.begin) / d, snapped(downsample.y / d),
                             source.extent.rows};
  const AxisSampling cols = {static_cast<double>(base.cols.begin) / d, snapped(downsample.x / d),
                             source.extent.cols};
  ViewInfo info = describe(scale, frame, {cols.step * d, rows.step * d});
  info.extent = {output_size(base.rows, info.downsample_y),
                 output_size(base.cols, info.downsample_x)};
  info.level = level;
  info.resampled = true;
  info.offset_x_level0 = static_cast<double>(base.cols.begin);
  info.offset_y_level0 = static_cast<double>(base.rows.begin);
  return std::make_shared<ResampledView>(std::move(reader), std::move(info), rows, cols);
}

double relative_error(const LevelInfo& level, const Pair& downsample) {
  return std::max(std::abs(level.downsample / downsample.x - 1),
                  std::abs(level.downsample / downsample.y - 1));
}

/// The level nearest to the scale asked for, if it is near enough.
std::optional<int> matching_level(const std::vector<LevelInfo>& levels, const Pair& downsample) {
  const auto nearest =
      std::min_element(levels.begin(), levels.end(), [&](const LevelInfo& a, const LevelInfo& b) {
        return relative_error(a, downsample) < relative_error(b, downsample);
      });
  if (relative_error(*nearest, downsample) > kScaleTolerance) return std::nullopt;
  return static_cast<int>(nearest - levels.begin());
}

/// How far a level's far edge may be from where its scale puts it, in pixels of the view. Some
/// writers crop what a halving leaves over and some squeeze it in; nothing in a file says which,
/// and within this it does not matter.
constexpr double kTolerableDrift = 0.5;

bool is_true_to_scale(const LevelInfo& level, const Extent& level0, const Pair& downsample) {
  const auto drift = [&](int64_t full, int64_t reduced) {
    return std::abs(static_cast<double>(full) - static_cast<double>(reduced) * level.downsample);
  };
  return drift(level0.cols, level.extent.cols) <= kTolerableDrift * downsample.x &&
         drift(level0.rows, level.extent.rows) <= kTolerableDrift * downsample.y;
}

/// The coarsest level above the scale asked for that is where it should be; level 0 always is.
int next_finer_level(const std::vector<LevelInfo>& levels, const Pair& downsample) {
  int finer = 0;
  for (size_t level = 0; level < levels.size(); ++level) {
    if (levels[level].downsample < std::min(downsample.x, downsample.y) &&
        is_true_to_scale(levels[level], levels.front().extent, downsample)) {
      finer = static_cast<int>(level);
    }
  }
  return finer;
}

/// Whether a view begins at the corner of `base` and has ceil(base / downsample) pixels, to that
/// scale.
bool is_exact(const ViewInfo& info, const Region& base, const Pair& downsample) {
  return info.downsample_x == downsample.x && info.downsample_y == downsample.y &&
         info.offset_x_level0 == static_cast<double>(base.cols.begin) &&
         info.offset_y_level0 == static_cast<double>(base.rows.begin) &&
         info.extent ==
             Extent{output_size(base.rows, downsample.y), output_size(base.cols, downsample.x)};
}

Pair wanted_downsample(const SlideInfo& info, const ScaleClaim& scale, double mpp) {
  if (!(mpp > 0) || !std::isfinite(mpp)) {
    throw ConfigError(fmt::format("data.mpp is {} but must be above 0 micrometres per pixel", mpp));
  }
  if (!scale.mpp_x || !scale.mpp_y) {
    throw DataError(fmt::format(
        "{} says no believable scale, so it cannot be read at {} um per pixel: give its own with "
        "data.assume_mpp or the manifest's mpp column",
        info.path.string(), mpp));
  }
  return {mpp / *scale.mpp_x, mpp / *scale.mpp_y};
}

}  // namespace

Region frame_of(const SlideInfo& info, Origin origin) {
  if (origin == Origin::kQuPath && info.bounds) return *info.bounds;
  return whole(info.levels.front().extent);
}

std::shared_ptr<const SlideView> make_view(std::shared_ptr<const SlideReader> reader,
                                           const ViewOptions& options) {
  const SlideInfo& info = reader->info();
  const ScaleClaim scale = scale_of(info, options);
  const Region frame = frame_of(info, options.origin);
  const Region base = base_region(info, options, frame);
  if (!options.mpp) {
    const auto count = static_cast<int>(info.levels.size());
    if (options.level < 0 || options.level >= count) {
      throw DataError(
          fmt::format("{} has no level {}: its levels are 0 to {}; give --level or --mpp where "
                      "the verb has them, else set data.level or data.mpp",
                      info.path.string(), options.level, count - 1));
    }
    return level_view(std::move(reader), options.level, scale, frame, base);
  }
  const Pair downsample = wanted_downsample(info, scale, *options.mpp);
  if (const auto level = matching_level(info.levels, downsample)) {
    auto view = level_view(reader, *level, scale, frame, base);
    const LevelInfo& source = info.levels[static_cast<size_t>(*level)];
    const bool is_as_asked = is_exact(view->info(), base, downsample) &&
                             is_true_to_scale(source, info.levels.front().extent, downsample);
    if (!options.exact_extent || is_as_asked) return view;
  }
  const int level = next_finer_level(info.levels, downsample);
  return resampled_view(std::move(reader), level, scale, frame, base, downsample);
}

}  // namespace untiled
