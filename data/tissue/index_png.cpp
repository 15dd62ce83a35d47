#include "data/tissue/index_png.h"

#include <fmt/format.h>
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/slide/orientation.h"
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
class IndexDecoder {
 public:
  explicit IndexDecoder(const std::filesystem::path& path)
      : path_(path.string()), file_(std::fopen(path.c_str(), "rb")) {
    if (!file_) throw DataError(fmt::format("{}: cannot be opened", path_));
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &IndexDecoder::fail, ignore);
    info_ = png_create_info_struct(png_);
    set_png_limits(png_);
  }
  ~IndexDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  IndexDecoder(const IndexDecoder&) = delete;
  IndexDecoder& operator=(const IndexDecoder&) = delete;

  void read_header() { require(try_read_header()); }
  void read_rows(std::vector<png_bytep>& rows) { require(try_read_rows(rows.data())); }

  Extent extent() const {
    return {png_get_image_height(png_, info_), png_get_image_width(png_, info_)};
  }
  int bits() const { return png_get_bit_depth(png_, info_); }
  bool holds_indices() const {
    const int type = png_get_color_type(png_, info_);
    return type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_PALETTE;
  }

 private:
  [[noreturn]] static void fail(png_structp png, png_const_charp message) {
    static_cast<IndexDecoder*>(png_get_error_ptr(png))->message_ = message;
    png_longjmp(png, 1);
  }
  static void ignore(png_structp /*png*/, png_const_charp /*message*/) {}

  void require(bool ok) const {
    if (!ok) {
      throw DataError(fmt::format("{}: is a damaged PNG ({}); copy it again", path_, message_));
    }
  }

  bool try_read_header() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_init_io(png_, file_.get());
    png_read_info(png_, info_);
    png_set_packing(png_);
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

  std::string path_;
  std::unique_ptr<std::FILE, FileCloser> file_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::string message_;
};

void require_readable(const IndexDecoder& decoder, const std::filesystem::path& path) {
  if (!decoder.holds_indices()) {
    throw DataError(fmt::format(
        "{}: a mask holds one class index a pixel, this PNG holds colours or transparency; save it "
        "as 8-bit grey or with a palette",
        path.string()));
  }
  if (decoder.extent().area() > kMostPngPixels) {
    throw DataError(fmt::format(
        "{}: a PNG mask may have {} pixels, this one is {}; save it as a tiled TIFF, or smaller",
        path.string(), kMostPngPixels, to_string(decoder.extent())));
  }
}

/// The numbers of 16 bits, big end first, as bytes.
Bytes low_bytes(const std::filesystem::path& path, const Extent& extent, const Bytes& stored) {
  Bytes bytes(static_cast<size_t>(extent.area()));
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (stored[2 * i] != 0) {
      const auto index = static_cast<int64_t>(i);
      throw DataError(fmt::format(
          "{}: value {} at row {}, column {} of the mask is beyond the 0 to 255 of class indices; "
          "save it as 8-bit grey",
          path.string(), stored[2 * i] * 256 + stored[2 * i + 1], index / extent.cols,
          index % extent.cols));
    }
    bytes[i] = stored[2 * i + 1];
  }
  return bytes;
}

/// A plane as an image, to be turned.
class PlaneImage : public PixelSource {
 public:
  explicit PlaneImage(IndexPlane plane) : plane_(std::move(plane)) {}
  Extent extent() const override { return plane_.extent; }
  int channels() const override { return 1; }
  PixelBlock read(const Region& /*all*/) const override {
    return {whole(plane_.extent), 1, plane_.indices, {}};
  }

 private:
  IndexPlane plane_;
};

IndexPlane upright_plane(IndexPlane plane, int orientation) {
  if (orientation == 1) return plane;
  const auto turned = upright(std::make_shared<PlaneImage>(std::move(plane)), orientation);
  return {turned->extent(), turned->read(whole(turned->extent())).bytes};
}

}  // namespace

IndexPlane read_index_png(const std::filesystem::path& path) {
  IndexDecoder decoder(path);
  decoder.read_header();
  require_readable(decoder, path);
  const Extent extent = decoder.extent();
  const size_t row_bytes = static_cast<size_t>(extent.cols) * (decoder.bits() == 16 ? 2 : 1);
  Bytes stored(static_cast<size_t>(extent.rows) * row_bytes);
  std::vector<png_bytep> rows(static_cast<size_t>(extent.rows));
  for (size_t row = 0; row < rows.size(); ++row) rows[row] = stored.data() + row * row_bytes;
  decoder.read_rows(rows);
  if (decoder.bits() == 16) stored = low_bytes(path, extent, stored);
  return upright_plane({extent, std::move(stored)}, png_orientation(path));
}

}  // namespace untiled
