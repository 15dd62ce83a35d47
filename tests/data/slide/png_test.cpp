#include <png.h>

#include <string>
#include <vector>

#include "data/slide/reader.h"
#include "lib/core/resources.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

void write_png(const std::filesystem::path& path, const Extent& extent, png_uint_32 format,
               const void* pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(extent.cols);
  image.height = static_cast<png_uint_32>(extent.rows);
  image.format = format;
  REQUIRE(png_image_write_to_file(&image, path.c_str(), 0, pixels, 0, nullptr) != 0);
}

}  // namespace

TEST_CASE("a PNG's text may be long, and takes no memory, whatever it claims") {
  const TemporaryFolder folder;
  const std::vector<uint8_t> pixels = {7, 9};
  const auto path = folder / "a.png";
  const auto write = [&](const std::string& kind, const std::string& data, size_t claimed) {
    write_png(path, {2, 1}, PNG_FORMAT_GRAY, pixels.data());
    insert_chunk(path, kind, data, "IDAT", static_cast<uint32_t>(claimed));
  };
  constexpr int64_t kMost = int64_t{256} << 20;
  reset_peak_resident();
  const int64_t before = peak_resident_bytes();
  for (const std::string kind :
       {"tEXt", "zTXt", "iTXt", "eXIf", "sPLT", "pCAL", "sCAL", "iCCP", "noSe"}) {
    CAPTURE(kind);
    write(kind, "Comment", 1'700'000'000);
    CHECK_FALSE(data_error([&] { open_slide(path); }).empty());
    CHECK(peak_resident_bytes() - before < kMost);
  }
  constexpr size_t kLong = 20'000'000;
  std::string text = std::string("Comment") + '\0';
  text.resize(kLong, 'x');
  write("tEXt", text, text.size());
  CHECK(open_slide(path)->read(0, {{0, 2}, {0, 1}}).bytes == Bytes{7, 7, 7, 9, 9, 9});
}

TEST_CASE("transparent pixels of a PNG are missing and half transparent ones are blended") {
  const TemporaryFolder folder;
  const std::vector<uint8_t> pixels = {10, 20, 30, 255, 40, 50, 60, 0, 100, 100, 100, 51};
  write_png(folder / "a.png", {1, 3}, PNG_FORMAT_RGBA, pixels.data());
  const PixelBlock block = open_slide(folder / "a.png")->read(0, {{0, 1}, {0, 3}});
  CHECK(block.bytes == Bytes{10, 20, 30, 255, 255, 255, 224, 224, 224});
  CHECK(block.missing == Bytes{0, 1, 0});
}

TEST_CASE("a grey PNG becomes RGB") {
  const TemporaryFolder folder;
  const std::vector<uint8_t> pixels = {7, 9};
  write_png(folder / "a.png", {2, 1}, PNG_FORMAT_GRAY, pixels.data());
  CHECK(open_slide(folder / "a.png")->read(0, {{0, 2}, {0, 1}}).bytes == Bytes{7, 7, 7, 9, 9, 9});
}

TEST_CASE("a PNG of 16 bits is refused") {
  const TemporaryFolder folder;
  const std::vector<uint16_t> pixels(12);
  write_png(folder / "deep.png", {2, 2}, PNG_FORMAT_LINEAR_RGB, pixels.data());
  const std::string error = data_error([&] { open_slide(folder / "deep.png"); });
  CHECK(error.find("16 bits") != std::string::npos);
}
