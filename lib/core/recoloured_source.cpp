#include "lib/core/recoloured_source.h"

#include <utility>

#include "lib/core/error.h"

namespace untiled {
namespace {

class RecolouredSource final : public PixelSource {
 public:
  RecolouredSource(std::shared_ptr<const PixelSource> source, Recolour recolour)
      : source_(std::move(source)), recolour_(std::move(recolour)) {
    if (source_->channels() != 3) throw InternalError("only RGB images are recoloured");
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
    PixelTarget read_at_once = target;
    read_at_once.next_read = NextRead::kSoon;
    source_->read_into(region, read_at_once);
    apply(region, target);
  }

 private:
  void apply(const Region& region, const PixelTarget& target) const {
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      recolour_(target.at(row, region.cols.begin), region.cols.size());
    }
  }

  std::shared_ptr<const PixelSource> source_;
  Recolour recolour_;
};

}  // namespace

std::shared_ptr<const PixelSource> make_recoloured(std::shared_ptr<const PixelSource> source,
                                                   Recolour recolour) {
  return std::make_shared<RecolouredSource>(std::move(source), std::move(recolour));
}

}  // namespace untiled
