#include "lib/core/pixel_source.h"

namespace untiled {
namespace {

class DirectPass : public RegionPass {
 public:
  DirectPass(std::shared_ptr<const PixelSource> source, std::vector<Region> regions)
      : source_(std::move(source)), regions_(std::move(regions)) {}
  PixelBlock take(size_t index) override { return source_->read(regions_.at(index)); }

 private:
  std::shared_ptr<const PixelSource> source_;
  std::vector<Region> regions_;
};

}  // namespace

std::unique_ptr<RegionPass> DirectFeed::begin(std::vector<Region> regions) const {
  return std::make_unique<DirectPass>(source_, std::move(regions));
}

}  // namespace untiled
