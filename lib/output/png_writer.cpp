#include "lib/output/png_writer.h"

#include <fmt/format.h>
#include <png.h>

#include <cerrno>
#include <cmath>
#include <csetjmp>
#include <cstdio>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr double kUmPerMetre = 1e6;
/// Of zlib, for pictures: a few percent larger than its default, in half the time.
constexpr int kPictureLevel = 3;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

png_uint_32 pixels_per_metre(double mpp) {
  return static_cast<png_uint_32>(std::lround(kUmPerMetre / mpp));
}

}  // namespace

/// libpng's state and the file under its temporary name. libpng leaves an error by longjmp to the
/// `setjmp` of the method that called it, which holds nothing to destroy.
class PngWriter::File {
 public:
  File(const std::filesystem::path& path, const Extent& extent, const PngOptions& options)
      : target_(path), file_(std::fopen(target_.path().c_str(), "wb")), rows_left_(extent.rows) {
    if (!file_) throw write_error(path, errno);
    row_bytes_ = static_cast<size_t>(extent.cols) * (options.color == PngColor::kRgb ? 3 : 1);
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, &File::fail, &File::ignore);
    info_ = png_create_info_struct(png_);
    png_set_write_fn(png_, this, &File::write, nullptr);
    describe(extent, options);
  }
  ~File() { png_destroy_write_struct(&png_, &info_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void write_rows(std::span<const uint8_t> rows) {
    const size_t count = rows.size() / row_bytes_;
    if (count * row_bytes_ != rows.size() || static_cast<int64_t>(count) > rows_left_) {
      throw InternalError(fmt::format("{}: {} bytes are no whole rows of the {} that are left",
                                      target_.destination().string(), rows.size(), rows_left_));
    }
    for (size_t row = 0; row < count; ++row) {
      require(try_write_row(rows.data() + row * row_bytes_));
    }
    rows_left_ -= static_cast<int64_t>(count);
  }

  void finish() {
    if (rows_left_ != 0) {
      throw InternalError(
          fmt::format("{}: {} rows were not written", target_.destination().string(), rows_left_));
    }
    require(try_end());
    if (std::fclose(file_.release()) != 0) throw write_error(target_.destination(), errno);
    target_.commit();
  }

 private:
  [[noreturn]] static void fail(png_structp png, png_const_charp message) {
    static_cast<File*>(png_get_error_ptr(png))->message_ = message;
    png_longjmp(png, 1);
  }
  static void ignore(png_structp /*png*/, png_const_charp /*message*/) {}
  static void write(png_structp png, png_bytep bytes, size_t count) {
    auto* self = static_cast<File*>(png_get_io_ptr(png));
    if (std::fwrite(bytes, 1, count, self->file_.get()) == count) return;
    self->errno_ = errno;
    png_error(png, "write error");
  }

  void require(bool ok) const {
    if (ok) return;
    if (errno_ != 0) throw write_error(target_.destination(), errno_);
    throw InternalError(
        fmt::format("{}: libpng says: {}", target_.destination().string(), message_));
  }

  void describe(const Extent& extent, const PngOptions& options) {
    std::vector<std::pair<std::string, std::string>> copies = options.texts;
    std::vector<png_text> texts(copies.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      texts[i].compression = PNG_TEXT_COMPRESSION_NONE;
      texts[i].key = copies[i].first.data();
      texts[i].text = copies[i].second.data();
      texts[i].text_length = copies[i].second.size();
    }
    require(try_describe(extent, options, texts.data(), static_cast<int>(texts.size())));
  }

  bool try_describe(const Extent& extent, const PngOptions& options, png_text* texts, int count) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    const bool rgb = options.color == PngColor::kRgb;
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(extent.cols),
                 static_cast<png_uint_32>(extent.rows), 8,
                 rgb ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    // A filter pays for pictures, to try all for each row takes longer than it saves; class indices
    // compress better without.
    png_set_filter(png_, PNG_FILTER_TYPE_BASE, rgb ? PNG_FILTER_SUB : PNG_FILTER_NONE);
    if (rgb) png_set_compression_level(png_, kPictureLevel);
    if (options.scale) {
      png_set_pHYs(png_, info_, pixels_per_metre(options.scale->mpp_x),
                   pixels_per_metre(options.scale->mpp_y), PNG_RESOLUTION_METER);
    }
    if (count > 0) png_set_text(png_, info_, texts, count);
    png_write_info(png_, info_);
    return true;
  }
  bool try_write_row(const uint8_t* row) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_write_row(png_, row);
    return true;
  }
  bool try_end() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_write_end(png_, nullptr);
    return true;
  }

  AtomicFile target_;
  std::unique_ptr<std::FILE, FileCloser> file_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  size_t row_bytes_ = 0;
  int64_t rows_left_ = 0;
  int errno_ = 0;
  std::string message_;
};

PngWriter::PngWriter(const std::filesystem::path& path, const Extent& extent,
                     const PngOptions& options) {
  if (extent.empty()) throw InternalError(path.string() + ": a PNG without pixels");
  file_ = std::make_unique<File>(path, extent, options);
}
PngWriter::~PngWriter() = default;

void PngWriter::write_rows(std::span<const uint8_t> rows) { file_->write_rows(rows); }

void PngWriter::finish() { file_->finish(); }

}  // namespace untiled
