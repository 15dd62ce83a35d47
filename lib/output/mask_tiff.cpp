#include "lib/output/mask_tiff.h"

#include <algorithm>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/output/ome_xml.h"

namespace untiled {
namespace {

TiffImage image_of(const MaskFacts& facts, MaskTiffKind kind, const std::string& name) {
  TiffImage image;
  image.extent = facts.extent;
  image.scale = facts.scale;
  if (kind == MaskTiffKind::kOme) image.description = ome_xml(facts, name);
  return image;
}

/// The value that most pixels of a block have.
struct Majority {
  std::array<uint8_t, 256> values;  ///< By class index.
  int labels;

  explicit Majority(const MaskFacts& facts)
      : values(file_values(facts.classes)), labels(label_count(facts)) {}

  uint8_t operator()(const uint8_t* bytes, const Extent& tile, const Region& block) const {
    std::array<int32_t, 256> counts{};
    for (int64_t row = block.rows.begin; row < block.rows.end; ++row) {
      const uint8_t* first = bytes + row * tile.cols;
      for (int64_t col = block.cols.begin; col < block.cols.end; ++col) ++counts[first[col]];
    }
    uint8_t most = values[kIgnoredLabel];
    int32_t count = 0;
    for (int i = 0; i < labels; ++i) {
      const uint8_t value = values[static_cast<size_t>(i)];
      if (counts[value] > count) {
        count = counts[value];
        most = value;
      }
    }
    return most;
  }
};

}  // namespace

MaskTiff::MaskTiff(const std::filesystem::path& path, const MaskFacts& facts, MaskTiffKind kind,
                   const std::string& name)
    : kind_(kind),
      values_(file_values(facts.classes)),
      pyramid_(path, image_of(facts, kind, name), Majority(facts)) {}

MaskTiff::EncodedTile MaskTiff::encode(const Region& tile, std::span<const uint8_t> classes) const {
  std::vector<uint8_t> values;
  if (is_uniform(classes)) {
    values.assign(classes.size(), values_[classes.front()]);
  } else {
    values.resize(classes.size());
    std::transform(classes.begin(), classes.end(), values.begin(),
                   [this](uint8_t c) { return values_[c]; });
  }
  return pyramid_.encode(pyramid_.index_of(tile), values);
}

void MaskTiff::finish() {
  pyramid_.finish(kind_ == MaskTiffKind::kOme ? TiffLevels::kSubIfds : TiffLevels::kChain);
}

}  // namespace untiled
