#include "lib/output/mask_zarr.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "lib/codecs/codecs.h"
#include "lib/core/error.h"
#include "lib/core/pixel_source.h"
#include "lib/output/mask_geojson.h"
#include "lib/output/preview.h"
#include "lib/output/probability_samples.h"

namespace untiled {
namespace {

/// Few files for what compresses to little.
constexpr int64_t kShard = 4096;

/// Where the mask's first pixel has its centre, as the centre of the slide's first pixel is 0: in
/// the mask's pixels.
double first_centre(double offset, double downsample) {
  return (offset + (downsample - 1) / 2) / downsample;
}

OmeZarrImage image_of(const MaskFacts& facts, OmeVersion version, const std::string& name) {
  OmeZarrImage image;
  image.name = name;
  image.extent = facts.extent;
  image.version = version;
  image.tile = OmeZarrFolder::kTile;
  image.planar = true;
  const bool is_v3 = zarr_format(version) == ZarrFormat::kV3;
  image.shard = is_v3 ? kShard : 0;
  image.codecs = {make_codec(is_v3 ? "zstd" : "zlib")};
  if (facts.scale) {
    image.mpp_x = facts.scale->mpp_x;
    image.mpp_y = facts.scale->mpp_y;
  }
  image.first_x = first_centre(facts.offset_x, facts.downsample_x);
  image.first_y = first_centre(facts.offset_y, facts.downsample_y);
  return image;
}

std::array<uint8_t, 3> color_of(const MaskClass& c) {
  return {static_cast<uint8_t>(c.color[0]), static_cast<uint8_t>(c.color[1]),
          static_cast<uint8_t>(c.color[2])};
}

/// The colours of the classes; what is no object, as the background, is transparent.
OmeLabels labels_of(const MaskFacts& facts) {
  OmeLabels labels;
  const bool one_class = facts.classes.size() < 2;
  for (const MaskClass& c : file_classes(facts.classes)) {
    const bool is_object = one_class ? c.value != 0 : is_drawn(c);
    const auto [r, g, b] = facts.classes.empty() && is_object ? kTissueOutline : color_of(c);
    labels.values.push_back(
        {c.value, {r, g, b, static_cast<uint8_t>(is_object ? 255 : 0)}, c.name});
  }
  if (!one_class) labels.values.push_back({kIgnoredLabel, {0, 0, 0, 0}, "no data"});
  return labels;
}

OmeZarrImage mask_image(const MaskFacts& facts, OmeVersion version, const std::string& name) {
  OmeZarrImage image = image_of(facts, version, name);
  image.channels = 1;
  image.pyramid = PyramidKind::kMode;
  image.labels = labels_of(facts);
  return image;
}

OmeZarrImage probability_image(const MaskFacts& facts, SampleType type, const std::string& name) {
  OmeZarrImage image = image_of(facts, OmeVersion::k05, name);
  image.channels = std::max(1, static_cast<int>(facts.classes.size()));
  image.type = type == SampleType::kFloat32 ? DataType::kFloat32 : DataType::kUint8;
  const double most = type == SampleType::kFloat32 ? 1 : 255;
  for (const MaskClass& c : facts.classes) image.shown.push_back({c.name, color_of(c), 0, most});
  if (image.shown.empty()) image.shown.push_back({"tissue", {255, 255, 255}, 0, most});
  return image;
}

/// From planes to pixels: `width` bytes a sample.
std::vector<uint8_t> interleaved(std::span<const uint8_t> planes, size_t channels, size_t width) {
  std::vector<uint8_t> pixels(planes.size());
  const size_t count = planes.size() / channels / width;
  for (size_t c = 0; c < channels; ++c) {
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(pixels.data() + (i * channels + c) * width,
                  planes.data() + (c * count + i) * width, width);
    }
  }
  return pixels;
}

}  // namespace

OmeZarrFolder::OmeZarrFolder(const std::filesystem::path& path, const OmeZarrImage& image)
    : folder_(path), writer_(folder_.path(), image, {.skip_fill = true}) {}

void OmeZarrFolder::finish() {
  writer_.finish();
  folder_.commit();
}

MaskZarr::MaskZarr(const std::filesystem::path& path, const MaskFacts& facts, OmeVersion version,
                   const std::string& name)
    : values_(file_values(facts.classes)), image_(path, mask_image(facts, version, name)) {}

void MaskZarr::write(const Region& tile, std::span<const uint8_t> classes) {
  std::vector<uint8_t> values(classes.size());
  std::transform(classes.begin(), classes.end(), values.begin(),
                 [this](uint8_t c) { return values_[c]; });
  image_.write(tile, values.data(), tile.cols.size());
}

ProbabilityZarr::ProbabilityZarr(const std::filesystem::path& path, const MaskFacts& facts,
                                 SampleType type, const std::string& name)
    : path_(path),
      type_(type),
      channels_(std::max(1, static_cast<int>(facts.classes.size()))),
      image_(path, probability_image(facts, type, name)) {}

void ProbabilityZarr::write(const Region& tile, std::span<const float> probabilities) {
  require_finite(path_, probabilities);
  const std::vector<uint8_t> planes = to_samples(probabilities, type_);
  const size_t width = sample_bytes(type_);
  const auto channels = static_cast<size_t>(channels_);
  const std::vector<uint8_t> pixels = interleaved(planes, channels, width);
  image_.write(tile, pixels.data(), tile.cols.size() * static_cast<int64_t>(channels * width));
}

}  // namespace untiled
