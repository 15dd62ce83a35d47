// Masks of other samples than 8 bits, of several pages, and turned ones.
#include <png.h>
#include <tiffio.h>

#include <cstring>
#include <functional>

#include "data/tissue/index_png.h"
#include "data/tissue/index_tiff.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

using Value = std::function<int(int64_t row, int64_t col)>;

struct Page {
  Extent extent = {21, 45};
  int bits = 8;
  uint16_t format = SAMPLEFORMAT_UINT;
  uint16_t photometric = PHOTOMETRIC_MINISBLACK;
  uint16_t compression = COMPRESSION_LZW;
  uint16_t orientation = ORIENTATION_TOPLEFT;
  uint32_t subfile_type = 0;
  bool tiled = false;
  std::string software;
  std::string description;
};

/// Numbers in the machine's byte order, or packed from the highest bit on.
std::vector<uint8_t> packed(const Value& value, const Region& region, int bits) {
  const int64_t row_bytes = ceil_div(region.cols.size() * bits, 8);
  std::vector<uint8_t> bytes(static_cast<size_t>(row_bytes * region.rows.size()), 0);
  for (int64_t row = 0; row < region.rows.size(); ++row) {
    for (int64_t col = 0; col < region.cols.size(); ++col) {
      const int number = value(region.rows.begin + row, region.cols.begin + col);
      const int64_t bit = col * bits;
      uint8_t* const at = bytes.data() + row * row_bytes + bit / 8;
      if (bits >= 8) {
        std::memcpy(at, &number, static_cast<size_t>(bits / 8));
      } else {
        *at = static_cast<uint8_t>(*at | number << (8 - bits - bit % 8));
      }
    }
  }
  return bytes;
}

void write_page(TIFF* tiff, const Page& page, const Value& value) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(page.extent.cols));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(page.extent.rows));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, page.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, page.format);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, page.photometric);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, page.compression);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, page.orientation);
  TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, page.subfile_type);
  if (!page.software.empty()) TIFFSetField(tiff, TIFFTAG_SOFTWARE, page.software.c_str());
  if (!page.description.empty()) {
    TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, page.description.c_str());
  }
  constexpr Extent kTile = {16, 32};
  if (page.tiled) {
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, static_cast<uint32_t>(kTile.rows));
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, static_cast<uint32_t>(kTile.cols));
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 8);
  }
  uint32_t index = 0;
  for (Region part : tile_grid(page.extent, page.tiled ? kTile : Extent{8, page.extent.cols})) {
    if (page.tiled) part = shift(whole(kTile), part.rows.begin, part.cols.begin);
    auto bytes = packed(value, part, page.bits);
    const auto size = static_cast<tmsize_t>(bytes.size());
    page.tiled ? TIFFWriteEncodedTile(tiff, index++, bytes.data(), size)
               : TIFFWriteEncodedStrip(tiff, index++, bytes.data(), size);
  }
  TIFFWriteDirectory(tiff);
}

class Masks {
 public:
  std::shared_ptr<const PixelSource> tiff(const std::vector<Page>& pages, const Value& value,
                                          const char* mode = "w") const {
    TIFF* const file = TIFFOpen((folder_ / "mask.tif").c_str(), mode);
    for (const Page& page : pages) write_page(file, page, value);
    TIFFClose(file);
    return open_index_tiff(folder_ / "mask.tif");
  }

  /// `late_exif` stands behind the pixels.
  IndexPlane png16(const Extent& extent, const Value& value, std::string exif = "",
                   std::string late_exif = "") const {
    const auto path = folder_ / "mask.png";
    std::FILE* const file = std::fopen(path.c_str(), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_set_IHDR(png, info, static_cast<png_uint_32>(extent.cols),
                 static_cast<png_uint_32>(extent.rows), 16, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (!exif.empty()) {
      png_set_eXIf_1(png, info, static_cast<png_uint_32>(exif.size()),
                     reinterpret_cast<png_bytep>(exif.data()));
    }
    png_write_info(png, info);
    png_set_swap(png);
    for (int64_t row = 0; row < extent.rows; ++row) {
      png_write_row(png, packed(value, {{row, row + 1}, {0, extent.cols}}, 16).data());
    }
    if (!late_exif.empty()) {
      const png_byte kind[] = {'e', 'X', 'I', 'f', 0};
      png_write_chunk(png, kind, reinterpret_cast<png_bytep>(late_exif.data()), late_exif.size());
    }
    png_write_end(png, nullptr);
    png_destroy_write_struct(&png, &info);
    std::fclose(file);
    return read_index_png(path);
  }

 private:
  TemporaryFolder folder_;
};

int64_t wrong(const PixelSource& mask, const Value& expected) {
  int64_t count = 0;
  for (const Region& part : tile_grid(mask.extent(), {10, 17})) {
    const PixelBlock block = mask.read(part);
    for (int64_t i = 0; i < part.area(); ++i) {
      const int value =
          expected(part.rows.begin + i / part.cols.size(), part.cols.begin + i % part.cols.size());
      count += block.bytes[static_cast<size_t>(i)] == value ? 0 : 1;
    }
  }
  return count;
}

int bit(int64_t row, int64_t col) { return static_cast<int>((row * 3 + col / 2) % 2); }
int index(int64_t row, int64_t col) { return static_cast<int>((row * 7 + col) % 251); }

}  // namespace

TEST_CASE("TIFF masks of 1 to 32 bits, with and without a sign, hold their numbers") {
  const Masks masks;
  for (const char* mode : {"w", "wb", "wl"}) {
    for (const bool tiled : {false, true}) {
      for (const int bits : {1, 2, 4, 8, 16, 32}) {
        Page page;
        page.bits = bits;
        page.tiled = tiled;
        const Value value = [&](int64_t row, int64_t col) {
          return bits < 8 ? index(row, col) % (1 << bits) : index(row, col);
        };
        INFO(mode << " tiled " << tiled << " bits " << bits);
        CHECK(wrong(*masks.tiff({page}, value, mode), value) == 0);
        if (bits < 16) continue;
        page.format = SAMPLEFORMAT_INT;
        CHECK(wrong(*masks.tiff({page}, value, mode), value) == 0);
      }
    }
  }
}

TEST_CASE("of one bit white is 1, however it is stored and compressed") {
  const Masks masks;
  for (const uint16_t compression : {COMPRESSION_NONE, COMPRESSION_CCITTFAX4}) {
    for (const bool white_is_zero : {false, true}) {
      Page page;
      page.bits = 1;
      page.compression = compression;
      page.photometric = white_is_zero ? PHOTOMETRIC_MINISWHITE : PHOTOMETRIC_MINISBLACK;
      const auto mask = masks.tiff({page}, bit);
      CHECK(wrong(*mask, [&](int64_t row, int64_t col) {
              return white_is_zero ? 1 - bit(row, col) : bit(row, col);
            }) == 0);
    }
  }
}

TEST_CASE("of one bit true is 1 where tifffile wrote it, which says WhiteIsZero beside it") {
  const Masks masks;
  Page page;
  page.bits = 1;
  page.photometric = PHOTOMETRIC_MINISWHITE;
  page.software = "tifffile.py";
  CHECK(wrong(*masks.tiff({page}, bit), bit) == 0);
  page.software = "Python";
  page.description = R"({"shape": [21, 45]})";
  CHECK(wrong(*masks.tiff({page}, bit), bit) == 0);
  page.description.clear();
  CHECK(wrong(*masks.tiff({page}, bit),
              [](int64_t row, int64_t col) { return 1 - bit(row, col); }) == 0);
}

TEST_CASE("numbers that are no class index are refused with their place") {
  const Masks masks;
  for (const int bits : {16, 32}) {
    Page page;
    page.bits = bits;
    const auto large = masks.tiff(
        {page}, [](int64_t row, int64_t col) { return row == 9 && col == 40 ? 300 : 1; });
    CHECK(large->read({{0, 8}, {0, 45}}).bytes[0] == 1);
    CHECK_THROWS_WITH(large->read({{8, 21}, {0, 45}}),
                      contains_text("value 300 at row 9, column 40"));
    page.format = SAMPLEFORMAT_INT;
    const auto negative = masks.tiff({page}, [](auto, auto) { return -1; });
    CHECK_THROWS_WITH(negative->read({{0, 1}, {0, 1}}), contains_text("value -1"));
    page.format = SAMPLEFORMAT_IEEEFP;
    CHECK_THROWS_WITH(masks.tiff({page}, index), contains_text("8-bit grey"));
  }
}

TEST_CASE("a mask of several pages is refused with their number, its reduced versions are none") {
  const Masks masks;
  const Page page;
  Page half;
  half.extent = {10, 22};
  CHECK_THROWS_WITH(masks.tiff({page, page}, index), contains_text("it has 2 pages"));
  CHECK_THROWS_WITH(masks.tiff({page, page, page}, index), contains_text("it has 3 pages"));
  CHECK(wrong(*masks.tiff({page, half}, index), index) == 0);
  half.subfile_type = FILETYPE_REDUCEDIMAGE;
  CHECK(wrong(*masks.tiff({page, half}, index), index) == 0);
  CHECK(wrong(*masks.tiff({half, page}, index), index) == 0);
}

TEST_CASE("a mask's orientation is applied") {
  const Masks masks;
  Page page;
  page.orientation = ORIENTATION_BOTRIGHT;
  CHECK(wrong(*masks.tiff({page}, index), [&](int64_t row, int64_t col) {
          return index(page.extent.rows - 1 - row, page.extent.cols - 1 - col);
        }) == 0);
  page.orientation = ORIENTATION_RIGHTTOP;
  const auto turned = masks.tiff({page}, index);
  CHECK(turned->extent() == Extent{45, 21});
  CHECK(wrong(*turned, [&](int64_t row, int64_t col) {
          return index(page.extent.rows - 1 - col, row);
        }) == 0);
}

TEST_CASE("PNG masks of 16 bits hold class indices, upright") {
  using std::string_literals::operator""s;
  const Masks masks;
  const IndexPlane plane = masks.png16({21, 45}, index);
  CHECK(plane.extent == Extent{21, 45});
  CHECK(plane.indices[45 + 3] == index(1, 3));
  CHECK_THROWS_WITH(masks.png16({21, 45}, [](auto, auto) { return 256; }),
                    contains_text("value 256 at row 0, column 0"));
  const std::string half_turn = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0"s;
  CHECK(masks.png16({21, 45}, index, half_turn).indices[0] == index(20, 44));
  CHECK(masks.png16({21, 45}, index, "", half_turn).indices[0] == index(20, 44));
}

}  // namespace untiled
