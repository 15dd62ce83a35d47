#include "lib/output/probability_tiff.h"

#include "lib/output/probability_samples.h"

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

}  // namespace

ProbabilityTiff::ProbabilityTiff(const std::filesystem::path& path,
                                 const ProbabilityTiffOptions& options)
    : path_(path), type_(options.type), pyramid_(path, image_of(options), block_mean) {}

ProbabilityTiff::EncodedTile ProbabilityTiff::encode(size_t index,
                                                     std::span<const float> probabilities) const {
  require_finite(path_, probabilities);
  return pyramid_.encode(index, to_samples(probabilities, type_));
}

}  // namespace untiled
