// The program's library for nvImageCodec, for tests: a stream is its pixels' bytes themselves, and
// of another length where it is damaged.
#include <cstdio>
#include <cstring>

#include "lib/cuda/jpeg_picture.h"

using untiled::JpegPicture;

namespace {

constexpr size_t kRgb = 3;
int decoder;

}  // namespace

extern "C" {

void* untiled_nvimgcodec_open(int, int, char*, size_t) { return &decoder; }

int untiled_nvimgcodec_decode(void*, const JpegPicture* pictures, size_t count, void*, char* text,
                              size_t text_size) {
  for (size_t i = 0; i < count; ++i) {
    const JpegPicture& picture = pictures[i];
    const size_t row_bytes = picture.cols * kRgb;
    auto* to = static_cast<uint8_t*>(picture.pixels);
    for (size_t row = 0; row < picture.rows; ++row) {
      if (picture.bytes < (row + 1) * row_bytes) {
        std::snprintf(text, text_size, "a stream ends early");
        return -1;
      }
      std::memcpy(to + row * picture.row_bytes, picture.stream + row * row_bytes, row_bytes);
    }
  }
  return 0;
}

void untiled_nvimgcodec_close(void*) {}
}
