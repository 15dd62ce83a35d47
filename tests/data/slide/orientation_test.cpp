// Images that are stored mirrored or turned.
#include <fmt/format.h>
#include <png.h>
#include <zlib.h>

#include "data/slide/exif.h"
#include "data/slide/png_orientation.h"
#include "data/slide/reader.h"
#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

/// Where the pixel of the upright image lies in the stored one of `stored` pixels, as TIFF 6.0
/// defines its tag 274: which sides the first row and the first column of what is stored are.
std::pair<int64_t, int64_t> stored_place(int orientation, int64_t row, int64_t col,
                                         const Extent& stored) {
  const int64_t last_row = stored.rows - 1;
  const int64_t last_col = stored.cols - 1;
  switch (orientation) {
    case 2:
      return {row, last_col - col};
    case 3:
      return {last_row - row, last_col - col};
    case 4:
      return {last_row - row, col};
    case 5:
      return {col, row};
    case 6:
      return {last_row - col, row};
    case 7:
      return {last_row - col, last_col - row};
    case 8:
      return {col, last_col - row};
    default:
      return {row, col};
  }
}

void check_upright(const SlideReader& reader, int orientation, const Extent& stored) {
  INFO("orientation " << orientation);
  const Extent extent = orientation > 4 ? Extent{stored.cols, stored.rows} : stored;
  REQUIRE(reader.info().levels.at(0).extent == extent);
  const Region region = {{13, extent.rows - 2}, {17, extent.cols - 5}};
  const PixelBlock block = reader.read(0, region);
  bool equal = true;
  for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
    for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
      const auto [y, x] = stored_place(orientation, row, col, stored);
      const auto at = static_cast<size_t>(
          ((row - region.rows.begin) * region.cols.size() + col - region.cols.begin) * 3);
      for (int c = 0; c < 3; ++c) {
        equal = equal && block.bytes[at + static_cast<size_t>(c)] == pattern(y, x, c);
      }
    }
  }
  CHECK(equal);
}

/// Exif data of one entry, the orientation, in either byte order.
std::string exif_of(int orientation, bool little) {
  using std::string_literals::operator""s;
  const auto o = static_cast<char>(orientation);
  return little ? "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"s + o + "\0\0\0\0\0\0\0"s
                : "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"s + o + "\0\0\0\0\0\0"s;
}

void write_png(const std::filesystem::path& path, const Extent& extent, std::string exif) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_set_IHDR(png, info, static_cast<png_uint_32>(extent.cols),
               static_cast<png_uint_32>(extent.rows), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!exif.empty()) {
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(exif.size()),
                   reinterpret_cast<png_bytep>(exif.data()));
  }
  png_write_info(png, info);
  PixelBlock block = pattern_block(whole(extent));
  for (int64_t row = 0; row < extent.rows; ++row) {
    png_write_row(png, block.bytes.data() + row * extent.cols * 3);
  }
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  std::fclose(file);
}

/// Exif data as ImageMagick writes them into a text.
std::string raw_profile(const std::string& exif) {
  std::string text = fmt::format("\nexif\n{:8}", exif.size());
  for (size_t i = 0; i < exif.size(); ++i) {
    text += fmt::format("{}{:02x}", i % 36 == 0 ? "\n" : "", static_cast<uint8_t>(exif[i]));
  }
  return text + "\n";
}

std::string deflated(const std::string& text) {
  std::string packed(compressBound(text.size()), '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(text.data()), text.size());
  packed.resize(size);
  return packed;
}

}  // namespace

TEST_CASE("a TIFF's orientation is applied, in tiles and strips, at every level") {
  const TemporaryFolder folder;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const int64_t tile : {64, 0}) {
      TiffImage image;
      image.tile = tile;
      image.orientation = static_cast<uint16_t>(orientation);
      TiffImage half = image;
      half.extent = {150, 200};
      half.step = 2;
      half.subfile_type = FILETYPE_REDUCEDIMAGE;
      write_tiff(folder / "a.tif", {{image, {}}, {half, {}}});
      const auto reader = open_slide(folder / "a.tif");
      check_upright(*reader, orientation, image.extent);
      REQUIRE(reader->info().levels.size() == 2);
      CHECK(reader->info().levels[1].downsample == 2.0);
      CHECK(reader->info().warnings.size() == (orientation == 1 ? 0 : 1));
    }
  }
}

TEST_CASE("scales of rows and columns change places with them") {
  const TemporaryFolder folder;
  TiffImage image;
  image.orientation = ORIENTATION_RIGHTTOP;
  image.description =
      R"(<OME><Pixels SizeX="400" SizeY="300" PhysicalSizeX="0.25" PhysicalSizeY="0.5"/></OME>)";
  write_tiff(folder / "a.tif", {{image, {}}});
  const auto reader = open_slide(folder / "a.tif");
  CHECK(reader->info().mpp_x == 0.5);
  CHECK(reader->info().mpp_y == 0.25);
}

TEST_CASE("a PNG's orientation is applied") {
  const TemporaryFolder folder;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    write_png(folder / "a.png", {40, 56}, exif_of(orientation, orientation % 2 == 0));
    check_upright(*open_slide(folder / "a.png"), orientation, {40, 56});
  }
}

TEST_CASE("a PNG's orientation is read from chunks behind its pixels and from texts") {
  using std::string_literals::operator""s;
  const TemporaryFolder folder;
  const std::string upright = exif_of(1, true);
  const auto write = [&](const std::string& kind, const std::string& data, const char* before) {
    write_png(folder / "a.png", {40, 56}, "");
    insert_chunk(folder / "a.png", kind, data, before);
  };
  for (const int orientation : {3, 6}) {
    const std::string exif = exif_of(orientation, true);
    write("eXIf", exif, "IEND");
    check_upright(*open_slide(folder / "a.png"), orientation, {40, 56});
    for (const std::string& mark : {""s, "Exif\0\0"s}) {
      const std::string text = raw_profile(mark + exif);
      write("tEXt", "Raw profile type exif\0"s + text, "IDAT");
      check_upright(*open_slide(folder / "a.png"), orientation, {40, 56});
      write("zTXt", "Raw profile type APP1\0\0"s + deflated(text), "IEND");
      check_upright(*open_slide(folder / "a.png"), orientation, {40, 56});
    }
    // Exif data of their own chunk outweigh a text.
    insert_chunk(folder / "a.png", "eXIf", upright, "IEND");
    check_upright(*open_slide(folder / "a.png"), 1, {40, 56});
  }
  for (const std::string& text :
       {"Raw profile type exif\0"s, "Raw profile type exif\0\nexif\n 6\nzz"s}) {
    write("tEXt", text, "IDAT");
    CHECK(png_orientation(folder / "a.png") == 1);
    write("zTXt", text, "IDAT");
    CHECK(png_orientation(folder / "a.png") == 1);
  }
}

TEST_CASE("an orientation of four bytes is read in either byte order") {
  using std::string_literals::operator""s;
  const std::string little = "II*\0\x08\0\0\0\x01\0\x12\x01\x04\0\x01\0\0\0\x06\0\0\0\0\0\0\0"s;
  const std::string big = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\0\0\x06\0\0\0\0"s;
  for (const std::string& exif : {little, big}) {
    CHECK(exif_orientation({reinterpret_cast<const uint8_t*>(exif.data()), exif.size()}) == 6);
  }
}

TEST_CASE("Exif data that make no sense mean upright") {
  const auto read = [](const std::string& text) {
    return exif_orientation({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  };
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CHECK(read(exif_of(orientation, true)) == orientation);
    CHECK(read(exif_of(orientation, false)) == orientation);
  }
  CHECK(read(exif_of(0, true)) == 1);
  CHECK(read(exif_of(9, true)) == 1);
  CHECK(read("") == 1);
  for (size_t size = 0; size < 26; ++size) read(exif_of(6, true).substr(0, size));
}
