#include "data/stain/normalised_source.h"

#include <utility>

#include "lib/core/error.h"
#include "lib/filters/recoloring.h"

namespace untiled {
namespace {

class NormalisedSource final : public PixelSource {
 public:
  NormalisedSource(std::shared_ptr<const PixelSource> source, const filters::Stains& slide,
                   const filters::Stains& target)
      : source_(std::move(source)), recoloring_(slide, target) {
    if (source_->channels() != 3) throw InternalError("stains are of RGB images only");
  }

  Extent extent() const override { return source_->extent(); }
  int channels() const override { return source_->channels(); }
  CellGrid cells() const override { return source_->cells(); }

  PixelBlock read(const Region& region) const override {
    PixelBlock block = source_->read(region);
    apply(region, target_of(block));
    return block;
  }

  void read_into(const Region& region, const PixelTarget& target) const override {
    source_->read_into(region, target);
    apply(region, target);
  }

 private:
  void apply(const Region& region, const PixelTarget& target) const {
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      uint8_t* const pixels = target.at(row, region.cols.begin);
      recoloring_.apply(pixels, region.cols.size(), pixels);
    }
  }

  std::shared_ptr<const PixelSource> source_;
  filters::Recoloring recoloring_;
};

}  // namespace

std::shared_ptr<const PixelSource> make_normalised(std::shared_ptr<const PixelSource> source,
                                                   const filters::Stains& slide,
                                                   const filters::Stains& target) {
  return std::make_shared<NormalisedSource>(std::move(source), slide, target);
}

}  // namespace untiled
