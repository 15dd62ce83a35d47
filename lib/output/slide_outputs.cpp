#include "lib/output/slide_outputs.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "lib/output/mask_geojson.h"

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
  const auto path = [&](OutputFormat format) {
    return paths_.emplace_back(folder / (id + ending_of(format)));
  };
  files_ = make_slide_files({id, facts_, options, path});
  if (options.wants(OutputFormat::kPng)) png_downsample_ = untiled::png_downsample(facts, options);
  if (options.wants(OutputFormat::kPreview)) preview_path_ = path(OutputFormat::kPreview);
  const int64_t side = std::max(facts.extent.rows, facts.extent.cols);
  const int64_t d = std::max<int64_t>(1, ceil_div(side, kSmallSide));
  small_extent_ = mask_extent(facts.extent, d);
  small_rows_.emplace(facts.extent, d, label_count(facts), [this](std::span<const uint8_t> row) {
    small_.insert(small_.end(), row.begin(), row.end());
  });
}

SlideOutputs::~SlideOutputs() = default;

std::vector<Region> SlideOutputs::tiles() const { return tiff_tiles(facts_.extent, kTile); }

SlideOutputs::EncodedTile SlideOutputs::encode(const Region& tile,
                                               std::shared_ptr<const Bytes> classes,
                                               std::span<const float> probabilities) const {
  EncodedTile encoded{.region = tile};
  const MaskTile pixels{tile, {classes->data(), classes->size()}, probabilities};
  for (const auto& file : files_) encoded.parts.push_back(file->encode(pixels));
  encoded.classes = std::move(classes);
  return encoded;
}

void SlideOutputs::add(const EncodedTile& tile) {
  for (size_t i = 0; i < files_.size(); ++i) files_[i]->add(tile.parts[i]);
  rows_.add(tile.region, {tile.classes->data(), tile.classes->size()});
}

void SlideOutputs::add_row(const MaskRow& row) {
  for (const ClassRun& run : row) pixels_[run.label] += run.end - run.begin;
  for (const auto& file : files_) file->add_row(row);
  small_rows_->add(row);
}

void SlideOutputs::finish(const Picture& thumbnail) {
  try {
    if (!preview_path_.empty()) write_picture(preview_path_, outlined(thumbnail));
    for (const auto& file : files_) file->finish();
  } catch (...) {
    std::error_code ignored;
    for (const auto& path : paths_) std::filesystem::remove_all(path, ignored);
    throw;
  }
}

int64_t SlideOutputs::held_bytes() const {
  int64_t bytes = kTile * facts_.extent.cols;
  for (const auto& file : files_) bytes += file->held_bytes();
  return bytes;
}

std::optional<int64_t> SlideOutputs::objects() const {
  for (const auto& file : files_) {
    if (const auto objects = file->objects()) return objects;
  }
  return std::nullopt;
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
