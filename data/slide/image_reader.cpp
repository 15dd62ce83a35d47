#include "data/slide/image_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <mutex>

#include "data/slide/block_decoder.h"
#include "data/slide/jpeg.h"
#include "data/slide/orientation.h"
#include "data/slide/png_image.h"
#include "data/slide/samples.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kJpegHeaderBytes = 1 << 20;

/// Runs `work` and adds the file's name to what goes wrong.
template <typename Work>
auto naming(const fs::path& path, const Work& work) {
  try {
    return work();
  } catch (const DataError& error) {
    throw DataError(fmt::format("{} cannot be decoded ({}): copy it again, or save it as 8-bit RGB",
                                path.string(), error.what()));
  }
}

Bytes read_bytes(const fs::path& path) {
  const PositionedFile file(path);
  return file.read(0, file.size());
}

/// From the file's first part, which holds the header unless profiles and thumbnails are large.
JpegHeader read_jpeg_header_of(const fs::path& path) {
  const PositionedFile file(path);
  const uint64_t size = file.size();
  const uint64_t first_part = std::min(size, kJpegHeaderBytes);
  try {
    return read_jpeg_header(file.read(0, first_part));
  } catch (const DataError&) {
    if (first_part == size) throw;
  }
  return read_jpeg_header(file.read(0, size));
}

PixelBlock decode_png_slide(const fs::path& path, const Rgb& background) {
  PngImage image = decode_png(path);
  return to_rgb(std::move(image.pixels), whole(image.extent), image.channels, Alpha::kStraight,
                background);
}

PixelBlock decode_jpeg_slide(const fs::path& path, const Rgb& background, int64_t max_pixels) {
  JpegImage image = decode_jpeg({}, read_bytes(path), JpegColor::kFromStream, max_pixels);
  return to_rgb(std::move(image.pixels), whole(image.extent), image.channels, Alpha::kNone,
                background);
}

class ImageReader : public SlideReader {
 public:
  using Decode = std::function<PixelBlock()>;

  ImageReader(SlideInfo info, Decode decode)
      : SlideReader(std::move(info)), decode_(std::move(decode)) {}

 private:
  PixelBlock read_pixels(int /*level*/, const Region& region) const override {
    PixelBlock block = empty_block(region);
    copy_overlap(*image(), block);
    drop_empty_mask(block);
    return block;
  }

  std::shared_ptr<const PixelBlock> image() const {
    const std::lock_guard lock(mutex_);
    if (!image_) {
      image_ = std::make_shared<const PixelBlock>(naming(info().path, decode_));
    }
    return image_;
  }

  Decode decode_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const PixelBlock> image_;
};

SlideInfo describe(const fs::path& path, const std::string& vendor, const Extent& extent,
                   const OpenOptions& options) {
  if (extent.area() > options.max_image_pixels) {
    throw DataError(fmt::format(
        "{} has {} pixels, more than the {} that are decoded whole: convert it to a tiled "
        "pyramidal TIFF",
        path.string(), to_string(extent), options.max_image_pixels));
  }
  SlideInfo info;
  info.path = path;
  info.backend = "image";
  info.vendor = vendor;
  info.levels = {{extent, 1.0}};
  info.files = {path};
  info.held_bytes = extent.area() * 3;
  return info;
}

}  // namespace

std::shared_ptr<const SlideReader> open_png_slide(const fs::path& path,
                                                  const OpenOptions& options) {
  const PngHeader header = naming(path, [&] { return read_png_header(path); });
  if (header.bits == 16) {
    throw DataError(fmt::format(
        "{} has 16 bits a sample where 8 can be read: convert it to 8-bit RGB", path.string()));
  }
  SlideInfo info = describe(path, "png", header.extent, options);
  info.has_icc = header.has_icc;
  if (header.has_alpha) info.held_bytes += header.extent.area();  // The mask of missing pixels.
  return upright(std::make_shared<ImageReader>(info,
                                               [path, background = info.background] {
                                                 return decode_png_slide(path, background);
                                               }),
                 header.orientation);
}

std::shared_ptr<const SlideReader> open_jpeg_slide(const fs::path& path,
                                                   const OpenOptions& options) {
  const JpegHeader header = naming(path, [&] { return read_jpeg_header_of(path); });
  if (header.components != 1 && header.components != 3) {
    throw DataError(fmt::format(
        "{} has {} colour components (CMYK, perhaps) where 1 or 3 can be read: convert it to 8-bit "
        "RGB",
        path.string(), header.components));
  }
  SlideInfo info = describe(path, "jpeg", header.extent, options);
  info.has_icc = header.has_icc;
  const auto decode = [path, background = info.background, limit = options.max_image_pixels] {
    return decode_jpeg_slide(path, background, limit);
  };
  return upright(std::make_shared<ImageReader>(info, decode), header.exif_orientation);
}

}  // namespace untiled
