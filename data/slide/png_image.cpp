#include "data/slide/png_image.h"

#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "data/slide/png_limits.h"
#include "data/slide/png_orientation.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// libpng's state. Its functions leave an error by longjmp to the `setjmp` of the method that
/// called them, which holds nothing to destroy.
class Decoder {
 public:
  explicit Decoder(const std::filesystem::path& path) : file_(std::fopen(path.c_str(), "rb")) {
    if (!file_) throw DataError("it cannot be opened");
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &Decoder::fail, &Decoder::ignore);
    info_ = png_create_info_struct(png_);
    set_png_limits(png_);
  }
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  void read_header() { require(try_read_header()); }
  void expand() { require(try_expand()); }
  void read_rows(std::vector<png_bytep>& rows) { require(try_read_rows(rows.data())); }

  Extent extent() const {
    return {png_get_image_height(png_, info_), png_get_image_width(png_, info_)};
  }
  int bits() const { return png_get_bit_depth(png_, info_); }
  int channels() const { return png_get_channels(png_, info_); }
  size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  bool has_alpha() const {
    return (png_get_color_type(png_, info_) & PNG_COLOR_MASK_ALPHA) != 0 ||
           png_get_valid(png_, info_, PNG_INFO_tRNS) != 0;
  }
  bool has_icc() const { return png_get_valid(png_, info_, PNG_INFO_iCCP) != 0; }

 private:
  [[noreturn]] static void fail(png_structp png, png_const_charp message) {
    static_cast<Decoder*>(png_get_error_ptr(png))->message_ = message;
    png_longjmp(png, 1);
  }
  static void ignore(png_structp /*png*/, png_const_charp /*message*/) {}

  void require(bool ok) const {
    if (!ok) throw DataError(message_);
  }

  bool try_read_header() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_init_io(png_, file_.get());
    png_read_info(png_, info_);
    return true;
  }
  bool try_expand() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_expand(png_);
    png_set_gray_to_rgb(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }
  bool try_read_rows(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  std::unique_ptr<std::FILE, FileCloser> file_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::string message_;
};

}  // namespace

PngHeader read_png_header(const std::filesystem::path& path) {
  Decoder decoder(path);
  decoder.read_header();
  return {decoder.extent(), decoder.bits(), decoder.has_alpha(), decoder.has_icc(),
          png_orientation(path)};
}

PngImage decode_png(const std::filesystem::path& path) {
  Decoder decoder(path);
  decoder.read_header();
  if (decoder.bits() == 16) throw DataError("it has 16 bits a sample where 8 can be read");
  decoder.expand();
  PngImage image{decoder.extent(), decoder.channels(), {}};
  image.pixels.resize(decoder.row_bytes() * static_cast<size_t>(image.extent.rows));
  std::vector<png_bytep> rows(static_cast<size_t>(image.extent.rows));
  for (size_t row = 0; row < rows.size(); ++row) {
    rows[row] = image.pixels.data() + row * decoder.row_bytes();
  }
  decoder.read_rows(rows);
  return image;
}

}  // namespace untiled
