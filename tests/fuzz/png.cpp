// PNG images, and PNG masks of class indices.
#include "data/slide/png_image.h"
#include "data/tissue/index_png.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  const auto path = as_file(bytes, ".png");
  constexpr int64_t kMostPixels = 1 << 20;
  if (read_png_header(path).extent.area() > kMostPixels) return;
  refusing([&] { decode_png(path); });
  read_index_png(path);
})
