#include "tests/data/slide/support.h"

#include <zlib.h>

#include <algorithm>
#include <iterator>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "tests/catch.h"

namespace untiled::testing {
namespace {

namespace fs = std::filesystem;

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
  return bytes;
}

void set_tags(TIFF* tiff, const TiffImage& image) {
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(image.extent.rows));
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(image.extent.cols));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, image.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, image.samples);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, image.photometric);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, image.compression);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG,
               image.separate_planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, image.subfile_type);
  if (image.tile > 0) {
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, static_cast<uint32_t>(image.tile));
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, static_cast<uint32_t>(image.tile));
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 50);
  }
  if (image.alpha) {
    const uint16_t kind = EXTRASAMPLE_UNASSALPHA;
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &kind);
  }
  if (!image.description.empty()) {
    TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, image.description.c_str());
  }
  if (image.pixels_per_cm > 0) {
    TIFFSetField(tiff, TIFFTAG_XRESOLUTION, image.pixels_per_cm);
    TIFFSetField(tiff, TIFFTAG_YRESOLUTION, image.pixels_per_cm);
    TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
  }
  if (image.pixels_per_unit > 0) {
    TIFFSetField(tiff, TIFFTAG_XRESOLUTION, image.pixels_per_unit);
    TIFFSetField(tiff, TIFFTAG_YRESOLUTION, image.pixels_per_unit);
    TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_NONE);
  }
  if (image.orientation != ORIENTATION_TOPLEFT) {
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, image.orientation);
  }
  if (image.photometric == PHOTOMETRIC_PALETTE) {
    std::vector<uint16_t> ramp(256);
    for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<uint16_t>(i * 257);
    TIFFSetField(tiff, TIFFTAG_COLORMAP, ramp.data(), ramp.data(), ramp.data());
  }
}

uint8_t sample(const TiffImage& image, int64_t row, int64_t col, int channel) {
  if (image.alpha && channel == image.samples - 1) return col < image.extent.cols / 4 ? 0 : 255;
  return pattern(row * image.step, col * image.step, channel + image.first_channel);
}

Bytes block(const TiffImage& image, const Region& region, const Interval& channels) {
  Bytes bytes;
  for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
    for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
      for (int64_t c = channels.begin; c < channels.end; ++c) {
        if (image.bits == 16) bytes.push_back(0);
        bytes.push_back(sample(image, row, col, static_cast<int>(c)));
      }
    }
  }
  return bytes;
}

tmsize_t write_block(TIFF* tiff, const TiffImage& image, uint32_t at, Bytes& bytes) {
  const auto size = static_cast<tmsize_t>(bytes.size());
  if (image.encode) {
    return image.tile > 0 ? TIFFWriteRawTile(tiff, at, bytes.data(), size)
                          : TIFFWriteRawStrip(tiff, at, bytes.data(), size);
  }
  return image.tile > 0 ? TIFFWriteEncodedTile(tiff, at, bytes.data(), size)
                        : TIFFWriteEncodedStrip(tiff, at, bytes.data(), size);
}

void write_blocks(TIFF* tiff, const TiffImage& image) {
  const Extent tile =
      image.tile > 0 ? Extent{image.tile, image.tile} : Extent{50, image.extent.cols};
  const int64_t planes = image.separate_planes ? image.samples : 1;
  int index = 0;
  for (int64_t plane = 0; plane < planes; ++plane) {
    const Interval channels =
        image.separate_planes ? Interval{plane, plane + 1} : Interval{0, image.samples};
    for (Region region : tile_grid(image.extent, tile)) {
      if (image.tile > 0) region = shift(whole(tile), region.rows.begin, region.cols.begin);
      Bytes bytes = block(image, region, channels);
      const auto& skipped = image.skipped_tiles;
      const bool skip = std::find(skipped.begin(), skipped.end(), index) != skipped.end();
      const auto at = static_cast<uint32_t>(index++);
      if (skip) continue;
      if (image.encode) {
        bytes = image.encode(bytes, region.extent(), static_cast<int>(channels.size()));
      }
      REQUIRE(write_block(tiff, image, at, bytes) > 0);
    }
  }
}

void write_image(TIFF* tiff, const TiffImage& image, size_t sub_images) {
  set_tags(tiff, image);
  if (sub_images > 0) {
    const std::vector<uint64_t> offsets(sub_images, 0);
    TIFFSetField(tiff, TIFFTAG_SUBIFD, static_cast<uint16_t>(sub_images), offsets.data());
  }
  write_blocks(tiff, image);
  REQUIRE(TIFFWriteDirectory(tiff) == 1);
}

}  // namespace

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void insert_chunk(const fs::path& png, const std::string& kind, const std::string& data,
                  const std::string& before, std::optional<uint32_t> claimed) {
  std::string file = read_file(png);
  const std::string body = kind + data;
  const auto sum =
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  const auto size = static_cast<uint32_t>(data.size());
  file.insert(file.find(before) - 4,
              big_endian(claimed.value_or(size)) + body + big_endian(static_cast<uint32_t>(sum)));
  write_text(png, file);
}

void copy_cut(const fs::path& from, const fs::path& to, double fraction) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
  fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
  fs::resize_file(to, static_cast<uintmax_t>(static_cast<double>(fs::file_size(from)) * fraction));
}

uint64_t weighted_sum(const Bytes& bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += bytes[i] * (uint64_t{i} + 1);
  return sum;
}

std::string data_error(const std::function<void()>& work) {
  try {
    work();
  } catch (const DataError& error) {
    return error.what();
  }
  FAIL("no DataError was thrown");
  return {};
}

PixelBlock pattern_block(const Region& region) {
  PixelBlock block{region, 3, {}, {}};
  for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
    for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
      for (int c = 0; c < 3; ++c) block.bytes.push_back(pattern(row, col, c));
    }
  }
  return block;
}

void write_tiff(const fs::path& path, const std::vector<TiffChain>& chain,
                const std::string& mode) {
  TIFF* tiff = TIFFOpen(path.c_str(), mode.c_str());
  REQUIRE(tiff != nullptr);
  for (const TiffChain& part : chain) {
    write_image(tiff, part.image, part.reduced.size());
    for (const TiffImage& reduced : part.reduced) write_image(tiff, reduced, 0);
  }
  TIFFClose(tiff);
}

PixelBlock FakeReader::read_pixels(int level, const Region& region) const {
  PixelBlock block = pattern_block(region);
  if (!is_missing_) return block;
  for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
    for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
      block.missing.push_back(is_missing_(level, row, col) ? 1 : 0);
    }
  }
  // As every reader does: no mask where nothing is missing.
  const bool any = std::count(block.missing.begin(), block.missing.end(), 1) > 0;
  if (!any) block.missing.clear();
  return block;
}

}  // namespace untiled::testing
