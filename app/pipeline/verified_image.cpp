#include "app/pipeline/verified_image.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>

#include "app/pipeline/slide_set.h"

namespace untiled {
namespace {

PixelBlock crop(const Settings& settings, const std::filesystem::path& path, const Extent& size) {
  const LazySlide slide(path, view_options(settings, {.path = path}), settings.data.stain);
  measure_stains(settings, slide, path.string());
  const Extent all = slide.extent();
  const Extent part{std::min(size.rows, all.rows), std::min(size.cols, all.cols)};
  const Region region = shift(whole(part), (all.rows - part.rows) / 2, (all.cols - part.cols) / 2);
  PixelBlock block = slide.read(region);
  block.region = whole(part);
  block.missing.clear();
  return block;
}

}  // namespace

std::shared_ptr<HeldImage> verified_image(const Settings& settings,
                                          const std::filesystem::path& slide, const Extent& size,
                                          uint64_t seed) {
  return std::make_shared<HeldImage>(slide.empty() ? noise_pixels(size, 3, 256, seed)
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
