// Directories and tiles of TIFF files.
#include "data/slide/tiff_reader.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  OpenOptions options;
  options.max_image_pixels = 1 << 20;
  const auto reader = open_tiff_slide(as_file(bytes, ".tif"), options);
  const auto& levels = reader->info().levels;
  for (size_t i = 0; i < levels.size(); ++i) {
    const Extent& extent = levels[i].extent;
    reader->read(static_cast<int>(i), clip({{0, 64}, {0, 64}}, extent));
  }
})
