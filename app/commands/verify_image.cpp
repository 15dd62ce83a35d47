#include "app/commands/verify_image.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>

#include "app/pipeline/slide_set.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/random.h"

namespace untiled {
namespace {

PixelBlock noise(const Extent& extent, uint64_t seed) {
  Random random(seed, 1);
  PixelBlock block{.region = whole(extent), .channels = 3};
  block.bytes.resize(static_cast<size_t>(extent.area() * 3));
  for (uint8_t& b : block.bytes) b = static_cast<uint8_t>(random.below(256));
  return block;
}

PixelBlock crop(const Settings& settings, const std::string& path, const Extent& size) {
  const LazySlide slide(path, view_options(settings, {.path = path}), settings.data.stain);
  measure_stains(settings, slide, path);
  const Extent all = slide.extent();
  const Extent part{std::min(size.rows, all.rows), std::min(size.cols, all.cols)};
  const Region region = shift(whole(part), (all.rows - part.rows) / 2, (all.cols - part.cols) / 2);
  PixelBlock block = slide.read(region);
  block.region = whole(part);
  block.missing.clear();
  return block;
}

}  // namespace

void check_verified_size(const std::string& text, const Extent& size) {
  if (size.area() <= kMostVerifiedPixels) return;
  throw ConfigError(fmt::format(
      "--size {}: whole-image autograd is compared with, which holds it all in memory: choose at "
      "most {} pixels",
      text, kMostVerifiedPixels));
}

PixelBlock HeldImage::read(const Region& region) const {
  PixelBlock part{.region = region, .channels = block_.channels};
  const int64_t cols = extent().cols;
  for (int64_t y = region.rows.begin; y < region.rows.end; ++y) {
    const auto row = block_.bytes.begin() + y * cols * block_.channels;
    part.bytes.insert(part.bytes.end(), row + region.cols.begin * block_.channels,
                      row + region.cols.end * block_.channels);
  }
  return part;
}

std::shared_ptr<HeldImage> verified_image(const Settings& settings, const std::string& slide,
                                          const Extent& size, uint64_t seed) {
  return std::make_shared<HeldImage>(slide.empty() ? noise(size, seed)
                                                   : crop(settings, slide, size));
}

at::Tensor image_tensor(const PixelBlock& block, at::ScalarType dtype) {
  const Extent e = block.region.extent();
  return at::from_blob(const_cast<uint8_t*>(block.bytes.data()), {e.rows, e.cols, 3}, at::kByte)
      .permute({2, 0, 1})
      .unsqueeze(0)
      .to(dtype)
      .contiguous()
      .div_(255.0);
}

}  // namespace untiled
