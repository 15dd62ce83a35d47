#include "lib/output/slide_outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// Of the mask in pictures: as fine as the largest of them.
constexpr int64_t kSmallSide = 1200;

PictureColor outline_color(const MaskClass& c) {
  PictureColor color;
  for (size_t i = 0; i < color.size(); ++i) color[i] = static_cast<uint8_t>(c.color[i]);
  return color;
}

}  // namespace

SlideOutputs::SlideOutputs(const std::filesystem::path& folder, const std::string& id,
                           const MaskFacts& facts, const OutputOptions& options)
    : facts_(facts),
      formats_(options.formats),
      rows_(facts.extent, [this](const MaskRow& row) { add_row(row); }) {
  const auto file = [&](OutputFormat format) {
    return files_.emplace_back(folder / (id + ending_of(format)));
  };
  const int labels = label_count(facts);
  if (options.wants(OutputFormat::kPng)) {
    png_downsample_ = options.png_downsample.value_or(least_png_downsample(facts.extent));
    png_ =
        std::make_unique<MaskPngWriter>(file(OutputFormat::kPng), reduced(facts, png_downsample_));
    png_rows_.emplace(facts.extent, png_downsample_, labels,
                      [this](std::span<const uint8_t> row) { png_->write_rows(row); });
  }
  if (options.wants(OutputFormat::kOmeTiff)) {
    ome_tiff_ =
        std::make_unique<MaskTiff>(file(OutputFormat::kOmeTiff), facts, MaskTiffKind::kOme, id);
  }
  if (options.wants(OutputFormat::kTiff)) {
    tiff_ =
        std::make_unique<MaskTiff>(file(OutputFormat::kTiff), facts, MaskTiffKind::kGeneric, id);
  }
  if (options.wants(OutputFormat::kGeoJson)) {
    geojson_ =
        std::make_unique<MaskGeoJson>(file(OutputFormat::kGeoJson), facts, id, options.tolerance);
  }
  if (options.wants(OutputFormat::kProbability)) {
    ProbabilityTiffOptions probability{.extent = facts.extent, .type = options.probability_type};
    probability.classes = std::max<int>(1, static_cast<int>(facts.classes.size()));
    probability.scale = facts.scale;
    probability_ = std::make_unique<ProbabilityTiff>(file(OutputFormat::kProbability), probability);
  }
  make_zarr(file, id, options);
  if (options.wants(OutputFormat::kPreview)) preview_file_ = file(OutputFormat::kPreview);
  const int64_t side = std::max(facts.extent.rows, facts.extent.cols);
  const int64_t d = std::max<int64_t>(1, ceil_div(side, kSmallSide));
  small_extent_ = mask_extent(facts.extent, d);
  small_rows_.emplace(facts.extent, d, labels, [this](std::span<const uint8_t> row) {
    small_.insert(small_.end(), row.begin(), row.end());
  });
}

SlideOutputs::~SlideOutputs() = default;

void SlideOutputs::make_zarr(const NamedFile& file, const std::string& id,
                             const OutputOptions& options) {
  if (options.wants(OutputFormat::kOmeZarr) && options.wants(OutputFormat::kOmeZarr04)) {
    throw ConfigError(
        "--format: ome-zarr and ome-zarr-0.4 are folders of one name; choose one of them");
  }
  for (const auto& [format, version] : {std::pair{OutputFormat::kOmeZarr, OmeVersion::k05},
                                        std::pair{OutputFormat::kOmeZarr04, OmeVersion::k04}}) {
    if (!options.wants(format)) continue;
    zarr_ = std::make_unique<MaskZarr>(file(format), facts_, version, id);
  }
  if (!options.wants(OutputFormat::kProbabilityOmeZarr)) return;
  probability_zarr_ = std::make_unique<ProbabilityZarr>(file(OutputFormat::kProbabilityOmeZarr),
                                                        facts_, options.probability_type, id);
}

std::vector<Region> SlideOutputs::tiles() const { return tiff_tiles(facts_.extent, kTile); }

SlideOutputs::EncodedTile SlideOutputs::encode(const Region& tile,
                                               std::shared_ptr<const Bytes> classes,
                                               std::span<const float> probabilities) const {
  EncodedTile encoded{.region = tile};
  const std::span<const uint8_t> values(classes->data(), classes->size());
  if (ome_tiff_) encoded.ome_tiff = ome_tiff_->encode(tile, values);
  if (tiff_) encoded.tiff = ome_tiff_ ? encoded.ome_tiff : tiff_->encode(tile, values);
  if (probability_) {
    encoded.probability = probability_->encode(probability_->index_of(tile), probabilities);
  }
  if (zarr_) zarr_->write(tile, values);
  if (probability_zarr_) probability_zarr_->write(tile, probabilities);
  encoded.classes = std::move(classes);
  return encoded;
}

void SlideOutputs::add(EncodedTile tile) {
  if (tile.ome_tiff) ome_tiff_->write(std::move(*tile.ome_tiff));
  if (tile.tiff) tiff_->write(std::move(*tile.tiff));
  if (tile.probability) probability_->write(std::move(*tile.probability));
  rows_.add(tile.region, {tile.classes->data(), tile.classes->size()});
}

void SlideOutputs::add_row(const MaskRow& row) {
  for (const ClassRun& run : row) pixels_[run.label] += run.end - run.begin;
  if (png_rows_) png_rows_->add(row);
  if (geojson_) geojson_->write_row(row);
  small_rows_->add(row);
}

void SlideOutputs::finish(const Picture& thumbnail) {
  try {
    if (!preview_file_.empty()) write_picture(preview_file_, outlined(thumbnail));
    if (ome_tiff_) ome_tiff_->finish();
    if (tiff_) tiff_->finish();
    if (probability_) probability_->finish();
    if (zarr_) zarr_->finish();
    if (probability_zarr_) probability_zarr_->finish();
    if (geojson_) geojson_->finish();
    if (png_) png_->finish();
  } catch (...) {
    std::error_code ignored;
    for (const auto& file : files_) std::filesystem::remove_all(file, ignored);
    throw;
  }
}

int64_t SlideOutputs::held_bytes() const {
  const int64_t band = kTile * facts_.extent.cols;
  const auto planes = static_cast<int64_t>(std::max<size_t>(1, facts_.classes.size()));
  // A level's bands are 1/4, 1/16, ... as wide.
  const int64_t levels = (ome_tiff_ ? 1 : 0) + (tiff_ ? 1 : 0) + (probability_ ? planes : 0);
  // Of Zarr half a row of tiles, a quarter, ..., and as much again that is encoded.
  const int64_t zarr = (zarr_ ? 1 : 0) + (probability_zarr_ ? 4 * planes : 0);
  return band + levels * band / 3 + 2 * zarr * band;
}

std::optional<int64_t> SlideOutputs::objects() const {
  if (!geojson_) return std::nullopt;
  return geojson_->objects();
}

Picture SlideOutputs::outlined(Picture thumbnail) const {
  std::vector<MaskClass> classes = facts_.classes;
  if (classes.size() < 2) {
    return draw_outline(std::move(thumbnail), small_extent_, small_, kTissueOutline);
  }
  for (size_t i = 0; i < classes.size(); ++i) {
    if (!is_drawn(classes[i])) continue;
    std::vector<uint8_t> of_class(small_.size());
    std::transform(small_.begin(), small_.end(), of_class.begin(),
                   [i](uint8_t label) { return static_cast<uint8_t>(label == i ? 1 : 0); });
    thumbnail =
        draw_outline(std::move(thumbnail), small_extent_, of_class, outline_color(classes[i]));
  }
  return thumbnail;
}

}  // namespace untiled
