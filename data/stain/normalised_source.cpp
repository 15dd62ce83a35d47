#include "data/stain/normalised_source.h"

#include <utility>

namespace untiled {
namespace {

class NormalisedSource final : public PixelSource {
 public:
  NormalisedSource(std::shared_ptr<const PixelSource> source,
                   std::shared_ptr<const filters::Recoloring> colors)
      : source_(std::move(source)), colors_(std::move(colors)) {}

  Extent extent() const override { return source_->extent(); }
  int channels() const override { return source_->channels(); }
  CellGrid cells() const override { return source_->cells(); }

  PixelBlock read(const Region& region) const override {
    PixelBlock block = source_->read(region);
    change(block.missing, region.area(), block.bytes.data());
    return block;
  }

  void read_into(const Region& region, const PixelTarget& target) const override {
    Bytes missing;
    PixelTarget own = target;
    own.missing = &missing;
    source_->read_into(region, own);
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      colors_->apply(target.at(row, region.cols.begin), region.cols.size(),
                     target.at(row, region.cols.begin));
    }
    if (!missing.empty()) copy_overlap(read(region), target);
  }

 private:
  /// Changes the pixels that have data.
  void change(const Bytes& missing, int64_t pixels, uint8_t* rgb) const {
    if (missing.empty()) return colors_->apply(rgb, pixels, rgb);
    for (int64_t i = 0; i < pixels; ++i, rgb += 3) {
      if (missing[static_cast<size_t>(i)] == 0) colors_->apply(rgb, 1, rgb);
    }
  }

  std::shared_ptr<const PixelSource> source_;
  std::shared_ptr<const filters::Recoloring> colors_;
};

}  // namespace

std::shared_ptr<const PixelSource> normalised(std::shared_ptr<const PixelSource> source,
                                              std::shared_ptr<const filters::Recoloring> colors) {
  return std::make_shared<NormalisedSource>(std::move(source), std::move(colors));
}

}  // namespace untiled
