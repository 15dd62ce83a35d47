#include "data/synth/jpeg_encoder.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

// jpeglib.h needs what <cstdio> declares.
#include <jpeglib.h>

#include "lib/core/error.h"

namespace untiled {
namespace {

[[noreturn]] void fail(j_common_ptr state) {
  std::array<char, JMSG_LENGTH_MAX> text{};
  state->err->format_message(state, text.data());
  throw InternalError(std::string("libjpeg could not encode a tile: ") + text.data());
}

/// libjpeg's compressor and the buffer that it allocates for its output.
class Compressor {
 public:
  Compressor() {
    state_.err = jpeg_std_error(&errors_);
    errors_.error_exit = fail;
    jpeg_create_compress(&state_);
    jpeg_mem_dest(&state_, &buffer_, &size_);
  }
  ~Compressor() {
    jpeg_destroy_compress(&state_);
    std::free(buffer_);
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  Bytes encode(const Bytes& rgb, const Extent& extent, int quality) {
    state_.image_width = static_cast<JDIMENSION>(extent.cols);
    state_.image_height = static_cast<JDIMENSION>(extent.rows);
    state_.input_components = 3;
    state_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&state_);
    jpeg_set_quality(&state_, quality, TRUE);
    state_.write_JFIF_header = FALSE;
    jpeg_start_compress(&state_, TRUE);
    while (state_.next_scanline < state_.image_height) {
      const auto offset = static_cast<size_t>(state_.next_scanline) * state_.image_width * 3;
      auto* row = const_cast<JSAMPROW>(rgb.data() + offset);  // libjpeg reads it only.
      jpeg_write_scanlines(&state_, &row, 1);
    }
    jpeg_finish_compress(&state_);
    return Bytes(buffer_, buffer_ + size_);
  }

 private:
  jpeg_compress_struct state_{};
  jpeg_error_mgr errors_{};
  unsigned char* buffer_ = nullptr;
  unsigned long size_ = 0;  // NOLINT(google-runtime-int): libjpeg's type
};

}  // namespace

Bytes encode_jpeg(const Bytes& rgb, const Extent& extent, int quality) {
  return Compressor().encode(rgb, extent, quality);
}

}  // namespace untiled
