#include "lib/output/probability_tiff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lib/core/error.h"

namespace untiled {
namespace {

TiffImage image_of(const ProbabilityTiffOptions& options) {
  TiffImage image;
  image.extent = options.extent;
  image.samples = options.classes;
  image.type = options.type;
  image.scale = options.scale;
  return image;
}

/// The rounded mean of one block of a tile's bytes.
uint8_t block_mean(const uint8_t* bytes, const Extent& tile, const Region& block) {
  int64_t sum = 0;
  for (int64_t row = block.rows.begin; row < block.rows.end; ++row) {
    const uint8_t* first = bytes + row * tile.cols;
    for (int64_t col = block.cols.begin; col < block.cols.end; ++col) sum += first[col];
  }
  const int64_t count = block.area();
  return static_cast<uint8_t>((sum + count / 2) / count);
}

std::vector<uint8_t> to_samples(std::span<const float> probabilities, SampleType type) {
  std::vector<uint8_t> samples(probabilities.size() * sample_bytes(type));
  if (type == SampleType::kFloat32) {
    std::memcpy(samples.data(), probabilities.data(), samples.size());
    return samples;
  }
  std::transform(probabilities.begin(), probabilities.end(), samples.begin(), [](float p) {
    return static_cast<uint8_t>(std::lround(255.0F * std::clamp(p, 0.0F, 1.0F)));
  });
  return samples;
}

}  // namespace

ProbabilityTiff::ProbabilityTiff(const std::filesystem::path& path,
                                 const ProbabilityTiffOptions& options)
    : path_(path), type_(options.type), pyramid_(path, image_of(options), block_mean) {}

ProbabilityTiff::EncodedTile ProbabilityTiff::encode(size_t index,
                                                     std::span<const float> probabilities) const {
  const bool finite = std::all_of(probabilities.begin(), probabilities.end(),
                                  [](float p) { return std::isfinite(p); });
  if (!finite) {
    throw DataError(fmt::format(
        "{}: a probability is not a finite number; the checkpoint's weights have diverged",
        path_.string()));
  }
  return pyramid_.encode(index, to_samples(probabilities, type_));
}

}  // namespace untiled
