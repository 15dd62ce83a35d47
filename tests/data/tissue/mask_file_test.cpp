#include "data/tissue/mask_file.h"

#include <png.h>
#include <tiffio.h>

#include <cmath>
#include <functional>
#include <initializer_list>
#include <string>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/output/mask_png.h"
#include "lib/output/probability_tiff.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/data/tissue/sources.h"

namespace untiled {
namespace {

using Value = std::function<int(int64_t row, int64_t col)>;

/// Rows of samples packed to `bits` each.
std::vector<uint8_t> packed_row(const Value& value, int64_t row, int64_t cols, int bits) {
  std::vector<uint8_t> bytes(static_cast<size_t>(ceil_div(cols * bits, 8)), 0);
  for (int64_t col = 0; col < cols; ++col) {
    const int64_t bit = col * bits;
    bytes[static_cast<size_t>(bit / 8)] |=
        static_cast<uint8_t>(value(row, col) << (8 - bits - bit % 8));
  }
  return bytes;
}

/// Writes with libpng itself: our own writer makes no palettes.
void write_png(const std::filesystem::path& path, const Extent& extent, int color_type, int bits,
               const Value& value) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_set_IHDR(png, info, static_cast<png_uint_32>(extent.cols),
               static_cast<png_uint_32>(extent.rows), bits, color_type, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_color> palette(size_t{1} << bits);
  for (size_t i = 0; i < palette.size(); ++i) {
    palette[i] = {static_cast<png_byte>(255 - i * 7 % 256), 17,
                  static_cast<png_byte>(i * 31 % 256)};
  }
  if (color_type == PNG_COLOR_TYPE_PALETTE) {
    png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  }
  png_write_info(png, info);
  const int samples = color_type == PNG_COLOR_TYPE_RGB ? 3 : 1;
  for (int64_t row = 0; row < extent.rows; ++row) {
    png_write_row(png, packed_row(value, row, extent.cols * samples, bits).data());
  }
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  std::fclose(file);
}

enum class Layout { kTiles, kStrips, kOneStrip };

void write_tiff(const std::filesystem::path& path, const Extent& extent, Layout layout,
                int compression, const Value& value) {
  TIFF* tiff = TIFFOpen(path.c_str(), "w8");
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(extent.cols));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(extent.rows));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression);
  constexpr int64_t kSide = 64;
  if (layout == Layout::kTiles) {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, static_cast<uint32_t>(kSide));
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, static_cast<uint32_t>(kSide));
    uint32_t index = 0;
    for (const Region& tile : tile_grid(extent, {kSide, kSide})) {
      std::vector<uint8_t> bytes;
      for (int64_t i = 0; i < kSide * kSide; ++i) {
        const int64_t row = tile.rows.begin + i / kSide;
        const int64_t col = tile.cols.begin + i % kSide;
        const bool inside = row < extent.rows && col < extent.cols;
        bytes.push_back(inside ? static_cast<uint8_t>(value(row, col)) : 0);
      }
      TIFFWriteEncodedTile(tiff, index++, bytes.data(), static_cast<tmsize_t>(bytes.size()));
    }
  } else {
    const int64_t rows = layout == Layout::kStrips ? 7 : extent.rows;
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, static_cast<uint32_t>(rows));
    for (int64_t row = 0; row < extent.rows; ++row) {
      auto bytes = packed_row(value, row, extent.cols, 8);
      TIFFWriteScanline(tiff, bytes.data(), static_cast<uint32_t>(row), 0);
    }
  }
  TIFFClose(tiff);
}

std::vector<ClassSettings> three_classes() {
  return {{"glass", 0, {}, 1.0}, {"tumour", 2, {}, 1.0}, {"stroma", 3, {}, 1.0}};
}

int64_t wrong(const PixelSource& labels, const Value& expected) {
  int64_t count = 0;
  for (const Region& tile : tile_grid(labels.extent(), {50, 37})) {
    const PixelBlock block = labels.read(tile);
    for (int64_t i = 0; i < tile.area(); ++i) {
      const int64_t row = tile.rows.begin + i / tile.cols.size();
      const int64_t col = tile.cols.begin + i % tile.cols.size();
      count += block.bytes[static_cast<size_t>(i)] != expected(row, col) ? 1 : 0;
    }
  }
  return count;
}

}  // namespace

TEST_CASE("one class needs no list: 0 is background, 1 and 255 are tissue") {
  const MaskValues values = mask_values({}, 255);
  CHECK(values[0] == 0);
  CHECK(values[1] == 1);
  CHECK(values[255] == 1);
  CHECK_FALSE(values[2]);
  CHECK(mask_values({}, 128)[128] == kIgnoredLabel);
  CHECK(mask_values({}, 128)[255] == 1);
  CHECK_THROWS_AS(mask_values({}, 1), ConfigError);
}

TEST_CASE("one named class stands against the rest, several stand for themselves") {
  const MaskValues one = mask_values({{"tumour", 7, {}, 1.0}}, 255);
  CHECK(one[7] == 1);
  CHECK(one[1] == 0);
  CHECK(one[255] == kIgnoredLabel);
  const MaskValues three = mask_values(three_classes(), 9);
  CHECK(three[0] == 0);
  CHECK(three[2] == 1);
  CHECK(three[3] == 2);
  CHECK(three[9] == kIgnoredLabel);
  CHECK_FALSE(three[255]);
}

TEST_CASE("a mask fits at one factor for rows and columns, to a pixel") {
  CHECK(mask_factor({16'000, 64'000}, {16'000, 64'000}) == 1.0);
  CHECK(mask_factor({16'000, 64'000}, {500, 2000}) == 32.0);
  CHECK(mask_factor({2967, 2220}, {186, 139}) == 16.0);
  CHECK(mask_factor({2967, 2220}, {185, 138}) == 16.0);
  CHECK(mask_factor({9000, 12'000}, {3000, 4000}) == 3.0);
  CHECK(mask_factor({10'000, 25'000}, {4000, 10'000}).value() == Approx(2.5));
  CHECK(mask_factor({1, 333}, {1, 84}) == 4.0);
  CHECK(mask_factor({2967, 2220}, {22, 16}) == 139.0);  // ceil; not 128, which fits to a pixel.
  CHECK(mask_factor({1250, 1000}, {10, 8}) == 128.0);   // 125 gives as many.
  CHECK_FALSE(mask_factor({2967, 2220}, {2220, 2967}));
  CHECK_FALSE(mask_factor({16'000, 64'000}, {500, 2010}));
  CHECK_FALSE(mask_factor({100, 100}, {200, 200}));
}

TEST_CASE("a mask that is cut or padded by a few pixels fits by no factor") {
  const Extent slide = {600, 800};
  for (const Extent& mask : std::initializer_list<Extent>{
           {598, 798}, {599, 799}, {600, 798}, {599, 800}, {601, 801}, {593, 793}, {600, 801}}) {
    INFO(to_string(mask));
    CHECK_FALSE(mask_factor(slide, mask));
  }
  CHECK(mask_factor(slide, {300, 400}) == 2.0);
  CHECK_FALSE(mask_factor(slide, {300, 397}));
  CHECK_FALSE(mask_factor(slide, {297, 401}));  // Less on one side, more on the other.
}

TEST_CASE("a factor that is no whole number is one whose quotients are rounded alike") {
  const Extent slide = {30'123, 40'457};
  for (const double d : {1.0123, 3.957, 31.66, 39.57, 250.7}) {
    const double rows = static_cast<double>(slide.rows) / d;
    const double cols = static_cast<double>(slide.cols) / d;
    for (const auto rounded :
         std::initializer_list<double (*)(double)>{std::floor, std::ceil, std::round}) {
      const Extent mask = {static_cast<int64_t>(rounded(rows)),
                           static_cast<int64_t>(rounded(cols))};
      INFO(d << " gives " << to_string(mask));
      const auto factor = mask_factor(slide, mask);
      REQUIRE(factor.has_value());
      CHECK(std::abs(*factor / d - 1) < 1.0 / static_cast<double>(mask.cols));
    }
  }
}

TEST_CASE("a palette PNG means its indices") {
  const TemporaryFolder folder;
  const auto index = [](int64_t row, int64_t col) {
    return std::array{0, 2, 3}[static_cast<size_t>((row / 5 + col / 9) % 3)];
  };
  for (const int bits : {2, 4, 8}) {
    write_png(folder / "mask.png", {61, 83}, PNG_COLOR_TYPE_PALETTE, bits, index);
    const auto labels = open_mask(folder / "mask.png", whole_view({61, 83}), three_classes(), 255);
    CHECK(wrong(*labels, [&](int64_t row, int64_t col) {
            return std::array{0, 0, 1, 2}[static_cast<size_t>(index(row, col))];
          }) == 0);
  }
}

TEST_CASE("grey PNGs of 1 to 8 bits are not rescaled") {
  const TemporaryFolder folder;
  const auto value = [](int64_t row, int64_t col) { return static_cast<int>((row + col) % 2); };
  for (const int bits : {1, 2, 4, 8}) {
    write_png(folder / "mask.png", {31, 45}, PNG_COLOR_TYPE_GRAY, bits, value);
    const auto labels = open_mask(folder / "mask.png", whole_view({31, 45}), {}, 255);
    CHECK(wrong(*labels, value) == 0);
  }
}

TEST_CASE("tiled and striped TIFFs are read in parts, at any factor") {
  const TemporaryFolder folder;
  const auto value = [](int64_t row, int64_t col) { return (row / 3 + col / 5) % 2 * 255; };
  const Extent mask = {150, 210};
  const Extent slide = {mask.rows * 4, mask.cols * 4};
  for (const Layout layout : {Layout::kTiles, Layout::kStrips, Layout::kOneStrip}) {
    for (const int compression : {COMPRESSION_NONE, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_LZW}) {
      write_tiff(folder / "mask.tif", mask, layout, compression, value);
      const auto labels = open_mask(folder / "mask.tif", whole_view(slide), {}, 255);
      REQUIRE(labels->extent() == slide);
      CHECK(wrong(*labels, [&](int64_t row, int64_t col) {
              return value(row / 4, col / 4) == 0 ? 0 : 1;
            }) == 0);
    }
  }
}

TEST_CASE("a mask at 1 / d lies from the corner on, its last pixels beyond or short of the edge") {
  const TemporaryFolder folder;
  const Extent slide = {2967, 2220};
  const auto value = [](int64_t row, int64_t col) { return (row + col) % 2; };
  const auto check = [&](const Extent& mask, int64_t d) {
    write_png(folder / "mask.png", mask, PNG_COLOR_TYPE_GRAY, 8, value);
    write_tiff(folder / "mask.tif", mask, Layout::kTiles, COMPRESSION_LZW, value);
    for (const char* name : {"mask.png", "mask.tif"}) {
      INFO(name << " at 1 / " << d);
      CHECK(wrong(*open_mask(folder / name, whole_view(slide), {}, 255), [&](int64_t row,
                                                                             int64_t col) {
              return value(std::min(row / d, mask.rows - 1), std::min(col / d, mask.cols - 1));
            }) == 0);
    }
  };
  check({ceil_div(2967, 139), ceil_div(2220, 139)}, 139);
  check({ceil_div(2967, 16), ceil_div(2220, 16)}, 16);
  check({2967 / 16, 2220 / 16}, 16);
}

TEST_CASE("what was read of a TIFF mask is not decoded again") {
  const TemporaryFolder folder;
  const auto value = [](int64_t row, int64_t col) { return (row / 3 + col / 5) % 2; };
  const Extent mask = {1500, 70};  // More rows than the 768 that are kept of smaller strips.
  for (const Layout layout : {Layout::kTiles, Layout::kOneStrip}) {
    const auto path = folder / "mask.tif";
    write_tiff(path, mask, layout, COMPRESSION_ADOBE_DEFLATE, value);
    const auto labels = open_mask(path, whole_view(mask), {}, 255);
    const Region part = {{0, 500}, {0, 70}};
    const Bytes before = labels->read(part).bytes;
    write_file(path, std::string(std::filesystem::file_size(path), 'x'));
    CHECK(labels->read(part).bytes == before);
  }
}

TEST_CASE("a mask that this program exported is read back") {
  const TemporaryFolder folder;
  const Extent slide = {1037, 611};
  const auto tissue = [](int64_t row, int64_t col) {
    return (row / 20 + col / 30) % 2 == 1 ? 1 : 0;
  };
  MaskPngWriter png(folder / "mask.png", {.extent = slide});
  ProbabilityTiff tiff(folder / "mask.tif", {slide, 1, SampleType::kUint8, {}});
  for (int64_t row = 0; row < slide.rows; ++row) {
    std::vector<uint8_t> classes;
    for (int64_t col = 0; col < slide.cols; ++col) {
      classes.push_back(static_cast<uint8_t>(tissue(row, col)));
    }
    png.write_rows(classes);
  }
  png.finish();
  for (size_t i = 0; i < tiff.tiles().size(); ++i) {
    std::vector<float> probabilities;
    const Region& tile = tiff.tiles()[i];
    for (int64_t row = tile.rows.begin; row < tile.rows.end; ++row) {
      for (int64_t col = tile.cols.begin; col < tile.cols.end; ++col) {
        probabilities.push_back(static_cast<float>(tissue(row, col)));
      }
    }
    tiff.write(tiff.encode(i, probabilities));
  }
  tiff.finish();
  CHECK(wrong(*open_mask(folder / "mask.png", whole_view(slide), {}, 255), tissue) == 0);
  CHECK(wrong(*open_mask(folder / "mask.tif", whole_view(slide), {}, 255), tissue) == 0);
}

TEST_CASE("a mask that fits by no factor is refused with both sizes") {
  const TemporaryFolder folder;
  write_png(folder / "mask.png", {61, 83}, PNG_COLOR_TYPE_GRAY, 8, [](auto, auto) { return 0; });
  CHECK_THROWS_AS(open_mask(folder / "mask.png", whole_view({610, 900}), {}, 255), DataError);
  CHECK_THROWS_WITH(
      open_mask(folder / "mask.png", whole_view({610, 900}), {}, 255),
      contains_text("mask.png") && contains_text("61 x 83") && contains_text("610 x 900"));
}

TEST_CASE("an unknown value is refused with its place") {
  const TemporaryFolder folder;
  const auto value = [](int64_t row, int64_t col) { return row == 40 && col == 77 ? 5 : 2; };
  write_png(folder / "mask.png", {61, 83}, PNG_COLOR_TYPE_GRAY, 8, value);
  const auto message_of = [](const std::function<void()>& read) -> std::string {
    try {
      read();
    } catch (const DataError& error) {
      return error.what();
    }
    return "nothing";
  };
  const auto open = [&](const std::string& name) {
    return open_mask(folder / name, whole_view({61, 83}), three_classes(), 255);
  };
  write_tiff(folder / "mask.tif", {61, 83}, Layout::kTiles, COMPRESSION_LZW, value);
  const auto labels = open("mask.tif");
  CHECK(labels->read({{0, 40}, {0, 83}}).bytes[0] == 1);
  for (const std::string& message : {message_of([&] { open("mask.png"); }), message_of([&] {
                                       labels->read({{0, 41}, {70, 83}});
                                     })}) {
    CHECK_THAT(message, contains_text("value 5") && contains_text("row 40, column 77") &&
                            contains_text("2 (tumour)"));
  }
}

TEST_CASE("what is no mask is refused with the reason") {
  const TemporaryFolder folder;
  const auto open = [&](const std::string& name) {
    return open_mask(folder / name, whole_view({20, 30}), {}, 255);
  };
  const auto zero = [](auto, auto) { return 0; };
  write_png(folder / "rgb.png", {20, 30}, PNG_COLOR_TYPE_RGB, 8, zero);
  write_file(folder / "text.png", "this is a text");
  write_file(folder / "empty.png", "");
  CHECK_THROWS_WITH(open("rgb.png"), contains_text("colours"));
  CHECK_THROWS_WITH(open("text.png"), contains_text("plain text"));
  write_file(folder / "utf16.json", "\xFF\xFE{");
  write_file(folder / "aperio.xml", "<?xml version=\"1.0\"?><Annotations/>");
  CHECK_THROWS_WITH(open("utf16.json"), contains_text("UTF-16"));
  write_file(folder / "bare.xml", "\xEF\xBB\xBF<Annotations MicronsPerPixel=\"0.25\"/>");
  for (const char* name : {"aperio.xml", "bare.xml"}) {
    CHECK_THROWS_WITH(open(name), contains_text("XML") && contains_text("QuPath"));
  }
  std::filesystem::create_directory(folder / "masks");
  CHECK_THROWS_WITH(open("masks"), contains_text("is a folder"));
  CHECK_THROWS_AS(open("empty.png"), DataError);
  CHECK_THROWS_AS(open("absent.png"), DataError);

  write_png(folder / "whole.png", {20, 30}, PNG_COLOR_TYPE_GRAY, 8,
            [](int64_t row, int64_t col) { return static_cast<int>(row * 7 + col) % 2; });
  const std::string bytes = read_file(folder / "whole.png");
  write_file(folder / "cut.png", std::string_view(bytes).substr(0, bytes.size() - 30));
  CHECK_THROWS_WITH(open("cut.png"), contains_text("damaged"));

  write_tiff(folder / "whole.tif", {20, 30}, Layout::kStrips, COMPRESSION_NONE, zero);
  const std::string tiff = read_file(folder / "whole.tif");
  write_file(folder / "cut.tif", std::string_view(tiff).substr(0, tiff.size() / 2));
  CHECK_THROWS_AS(open("cut.tif"), DataError);
}

}  // namespace untiled
