#include "lib/output/jpeg_encoder.h"

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <string>

// jpeglib.h needs what <cstdio> declares.
#include <jpeglib.h>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// libjpeg's compressor and the buffer that it allocates for its output. An error may not return
/// from error_exit, so that jumps back to the `setjmp` of the method that called libjpeg, which
/// holds nothing to destroy.
class Compressor {
 public:
  Compressor() {
    state_.err = jpeg_std_error(&errors_);
    state_.client_data = this;
    errors_.error_exit = &Compressor::fail;
    jpeg_create_compress(&state_);
  }
  ~Compressor() {
    jpeg_destroy_compress(&state_);
    std::free(buffer_);
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  Bytes encode(const Bytes& rgb, const Extent& extent, int quality) {
    if (!try_encode(rgb.data(), extent, quality)) {
      throw InternalError(std::string("libjpeg could not encode a tile: ") + message_.data());
    }
    return Bytes(buffer_, buffer_ + size_);
  }

 private:
  [[noreturn]] static void fail(j_common_ptr common) {
    auto& self = *static_cast<Compressor*>(common->client_data);
    common->err->format_message(common, self.message_.data());
    std::longjmp(self.jump_, 1);  // NOLINT(cert-err52-cpp): libjpeg's protocol
  }

  bool try_encode(const uint8_t* rgb, const Extent& extent, int quality) {
    if (setjmp(jump_) != 0) return false;
    jpeg_mem_dest(&state_, &buffer_, &size_);
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
      auto* row = const_cast<JSAMPROW>(rgb + offset);  // libjpeg reads it only.
      jpeg_write_scanlines(&state_, &row, 1);
    }
    jpeg_finish_compress(&state_);
    return true;
  }

  jpeg_compress_struct state_{};
  jpeg_error_mgr errors_{};
  std::jmp_buf jump_{};
  std::array<char, JMSG_LENGTH_MAX> message_{};
  unsigned char* buffer_ = nullptr;
  unsigned long size_ = 0;  // NOLINT(google-runtime-int): libjpeg's type
};

}  // namespace

Bytes encode_jpeg(const Bytes& rgb, const Extent& extent, int quality) {
  return Compressor().encode(rgb, extent, quality);
}

}  // namespace untiled
