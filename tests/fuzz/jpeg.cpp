// Headers and streams of JPEG images, with their Exif data.
#include "data/slide/jpeg.h"

#include "data/slide/exif.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  exif_orientation(bytes);
  refusing([&] { read_jpeg_header(bytes); });
  decode_jpeg({}, bytes, JpegColor::kFromStream, 1 << 18);
})
