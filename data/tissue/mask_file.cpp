#include "data/tissue/mask_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "data/slide/file_kind.h"
#include "data/tissue/annotations.h"
#include "data/tissue/index_png.h"
#include "data/tissue/index_tiff.h"
#include "data/tissue/index_zarr.h"
#include "data/tissue/label_doubts.h"
#include "data/tissue/label_map.h"
#include "lib/core/error.h"
#include "lib/zarr/array_reader.h"

namespace untiled {
namespace {

/// Ways of making whole sizes of full / d: what lies between the quotient and the size, from
/// `below` to `above`.
struct Rounding {
  double below;
  double above;
};
constexpr std::array<Rounding, 3> kRoundings = {{{0.5, 0.5}, {0, 1}, {1, 0}}};  // nearest, down, up

/// Factors from `least` to `most`.
struct FactorRange {
  double least = 1;
  double most = std::numeric_limits<double>::infinity();

  bool empty() const { return least > most; }
};

/// The factors d whose full / d is rounded to `reduced`.
FactorRange factors(int64_t full, int64_t reduced, const Rounding& rounding) {
  const auto size = static_cast<double>(full);
  FactorRange range;
  range.least = size / (static_cast<double>(reduced) + rounding.above);
  const double least_quotient = static_cast<double>(reduced) - rounding.below;
  if (least_quotient > 0) range.most = size / least_quotient;
  return range;
}

FactorRange intersect(const FactorRange& a, const FactorRange& b) {
  return {std::max({a.least, b.least, 1.0}), std::min(a.most, b.most)};
}

/// Whether a mask has the slide's size at 1/d, rounded up or down on either axis: writers of
/// pyramids round again at each level.
bool fits_whole(const Extent& slide, const Extent& mask, double d) {
  const auto fits = [&](int64_t full, int64_t reduced) {
    return std::abs(static_cast<double>(full) / d - static_cast<double>(reduced)) < 1;
  };
  return d >= 1 && fits(slide.rows, mask.rows) && fits(slide.cols, mask.cols);
}

/// Whether a mask is short of its slide by a few pixels: cut, rather than made smaller.
bool is_cut(const Extent& slide, const Extent& mask) {
  constexpr int64_t kFew = 8;
  return slide.rows - mask.rows < kFew && slide.cols - mask.cols < kFew;
}

/// The factor at which a mask has ceil(slide / d) pixels, as masks are exported here. Several may
/// fit a mask of few pixels: then a power of two, else the least.
std::optional<int64_t> exact_factor(const Extent& slide, const Extent& mask) {
  const int64_t least = std::max(ceil_div(slide.rows, mask.rows), ceil_div(slide.cols, mask.cols));
  const auto power = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(least)));
  for (const int64_t d : {power, least}) {
    if (mask == Extent{ceil_div(slide.rows, d), ceil_div(slide.cols, d)}) return d;
  }
  return std::nullopt;
}

std::string describe(const std::vector<ClassSettings>& classes, int ignore) {
  if (classes.empty()) {
    return "0 (background) and 1 or 255 (tissue); data.ignore names one more, without weight";
  }
  std::vector<std::string> known;
  known.reserve(classes.size() + 1);
  for (const ClassSettings& c : classes) known.push_back(fmt::format("{} ({})", c.value, c.name));
  known.push_back(fmt::format("{} (ignored)", ignore));
  return fmt::format("{}", fmt::join(known, ", "));
}

/// Turns a mask's values into labels.
struct ValueMap {
  std::string path;
  MaskValues labels;
  std::string known;

  void apply(PixelBlock& block) const {
    std::array<bool, 256> seen{};
    for (size_t i = 0; i < block.bytes.size(); ++i) {
      const auto& label = labels[block.bytes[i]];
      if (!label) refuse(block, static_cast<int64_t>(i));
      seen[block.bytes[i]] = true;
      block.bytes[i] = *label;
    }
    warn_of_many_values(std::count(seen.begin(), seen.end(), true));
  }

 private:
  /// Where one class stands against the rest, no value is unknown, also not those between 0 and 255
  /// that a mask has which was smoothed, or the numbers of single objects.
  void warn_of_many_values(int64_t count) const {
    constexpr int64_t kMany = 16;
    const bool all_known = std::all_of(labels.begin(), labels.end(),
                                       [](const auto& label) { return label.has_value(); });
    if (count <= kMany || !all_known) return;
    warn_once(path, {fmt::format("it holds {} values and more, as a mask does that was smoothed or "
                                 "that numbers its objects; labels are {}, and every other value "
                                 "is the rest: make it again without interpolation",
                                 count, known)});
  }

  [[noreturn]] void refuse(const PixelBlock& block, int64_t index) const {
    const int64_t cols = block.region.cols.size();
    throw DataError(fmt::format(
        "{}: value {} at row {}, column {} of the mask is none of its classes, which are {}; add "
        "it "
        "to data.classes or correct the mask",
        path, block.bytes[static_cast<size_t>(index)], block.region.rows.begin + index / cols,
        block.region.cols.begin + index % cols, known));
  }
};

class MappedSource : public PixelSource {
 public:
  MappedSource(std::shared_ptr<const PixelSource> indices, ValueMap values)
      : indices_(std::move(indices)), values_(std::move(values)) {}
  Extent extent() const override { return indices_->extent(); }
  int channels() const override { return 1; }
  PixelBlock read(const Region& region) const override {
    PixelBlock block = indices_->read(region);
    values_.apply(block);
    return block;
  }

 private:
  std::shared_ptr<const PixelSource> indices_;
  ValueMap values_;
};

/// The mask's factor where it is a whole number; none where the mask covers the slide edge to edge
/// at another one.
std::optional<int64_t> whole_factor(const std::filesystem::path& path, const Extent& slide,
                                    const Extent& mask) {
  if (const auto factor = mask_factor(slide, mask)) {
    const std::optional<int64_t> rounded = std::llround(*factor);
    return static_cast<double>(*rounded) == *factor ? rounded : std::nullopt;
  }
  throw DataError(fmt::format(
      "{}: the mask is {} and its slide {}; it must have the slide's size or be smaller by one "
      "factor for rows and columns",
      path.string(), to_string(mask), to_string(slide)));
}

/// Warns of a mask in which no class but that of value 0 occurs, while others are ignored: masks of
/// 0 and 255 are often meant to be of value 1.
void warn_of_ignored_values(const IndexPlane& plane, const ValueMap& values) {
  std::array<int64_t, 256> counts{};
  for (const uint8_t value : plane.indices) ++counts[value];
  std::vector<std::string> ignored;
  for (size_t value = 1; value < counts.size(); ++value) {
    if (counts[value] == 0) continue;
    if (values.labels[value] != kIgnoredLabel) return;
    ignored.push_back(fmt::format("{} ({} pixels)", value, counts[value]));
  }
  if (ignored.empty()) return;
  warn_once(values.path,
            {fmt::format("all of its values but 0 are ignored: {}; labels are {}. Give the class "
                         "that value and data.ignore another, or correct the mask",
                         fmt::join(ignored, ", "), values.known)});
}

std::shared_ptr<const PixelSource> open_png_mask(const std::filesystem::path& path,
                                                 const ViewInfo& view, const ValueMap& values) {
  IndexPlane plane = read_index_png(path);
  const Extent slide = view.frame_level0.extent();
  const auto factor = whole_factor(path, slide, plane.extent);
  warn_of_ignored_values(plane, values);
  PixelBlock block{whole(plane.extent), 1, std::move(plane.indices), {}};
  values.apply(block);
  return make_label_source({plane.extent, std::move(block.bytes), slide, factor}, view);
}

/// From indices that are read on demand.
std::shared_ptr<const PixelSource> map_indices(std::shared_ptr<const PixelSource> indices,
                                               const ViewInfo& view, ValueMap values) {
  const auto factor = whole_factor(values.path, view.frame_level0.extent(), indices->extent());
  return view_labels(std::make_shared<MappedSource>(std::move(indices), std::move(values)), view,
                     factor);
}

}  // namespace

MaskValues mask_values(const std::vector<ClassSettings>& classes, int ignore) {
  MaskValues values;
  if (classes.empty()) {
    values[0] = 0;
    values[1] = values[255] = 1;
    // The usual ignored value is tissue here; another one was chosen by the user.
    if (ignore == 0 || ignore == 1) {
      throw ConfigError(fmt::format(
          "data.ignore is {}, which is {} in masks without data.classes; choose another value",
          ignore, ignore == 0 ? "background" : "tissue"));
    }
    if (ignore != kIgnoredLabel) values.at(static_cast<size_t>(ignore)) = kIgnoredLabel;
    return values;
  }
  if (classes.size() == 1) values.fill(uint8_t{0});
  for (size_t i = 0; i < classes.size(); ++i) {
    const size_t label = classes.size() == 1 ? 1 : i;
    values.at(static_cast<size_t>(classes[i].value)) = static_cast<uint8_t>(label);
  }
  values.at(static_cast<size_t>(ignore)) = kIgnoredLabel;
  return values;
}

std::optional<double> mask_factor(const Extent& slide, const Extent& mask) {
  if (const auto factor = exact_factor(slide, mask)) return static_cast<double>(*factor);
  const bool by_rows = slide.rows >= slide.cols;  // The longer side tells the factor best.
  const double ratio = by_rows ? static_cast<double>(slide.rows) / static_cast<double>(mask.rows)
                               : static_cast<double>(slide.cols) / static_cast<double>(mask.cols);
  const double power = std::exp2(std::round(std::log2(std::max(ratio, 1.0))));
  for (const double whole : {power, std::round(ratio)}) {
    if (fits_whole(slide, mask, whole)) return whole;
  }
  if (is_cut(slide, mask)) return std::nullopt;
  for (const Rounding& rounding : kRoundings) {
    const FactorRange range = intersect(factors(slide.rows, mask.rows, rounding),
                                        factors(slide.cols, mask.cols, rounding));
    if (!range.empty()) return std::clamp(ratio, range.least, range.most);
  }
  return std::nullopt;
}

void require_readable_mask(const std::filesystem::path& path) {
  if (!is_zarr_folder(path)) require_readable_file(path);
}

bool is_read_by_parts(const std::filesystem::path& path) {
  return is_zarr_folder(path) || file_kind(path) == FileKind::kTiff;
}

std::shared_ptr<const PixelSource> open_mask(const std::filesystem::path& path,
                                             const ViewInfo& view,
                                             const std::vector<ClassSettings>& classes,
                                             int ignore) {
  require_readable_mask(path);
  ValueMap values{path.string(), mask_values(classes, ignore), describe(classes, ignore)};
  if (is_zarr_folder(path)) return map_indices(open_index_zarr(path), view, std::move(values));
  switch (file_kind(path)) {
    case FileKind::kPng:
      return open_png_mask(path, view, values);
    case FileKind::kTiff:
      return map_indices(open_index_tiff(path), view, std::move(values));
    default:
      throw DataError(
          fmt::format("{}: labels are a PNG, TIFF or Zarr of class indices or GeoJSON, this is {}",
                      path.string(), describe_content(path)));
  }
}

std::shared_ptr<const PixelSource> open_labels(const std::filesystem::path& path,
                                               const ViewInfo& view,
                                               const std::vector<ClassSettings>& classes,
                                               int ignore, const LabelSettings& labels,
                                               int64_t most_bytes) {
  require_readable_mask(path);
  if (is_zarr_folder(path) || file_kind(path) != FileKind::kOther || !looks_like_geojson(path)) {
    return open_mask(path, view, classes, ignore);
  }
  const Annotations annotations = read_annotations(path, labels.objects, most_bytes);
  auto source = make_annotation_labels(path, annotations, view, classes, labels.unannotated);
  warn_once(path, doubts_about(annotations, view.frame_level0.extent()));
  return source;
}

}  // namespace untiled
