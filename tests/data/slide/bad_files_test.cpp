// Files that are no slides, each with its own sentence.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "data/slide/reader.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

std::string open_error(const std::filesystem::path& path) {
  return data_error([&] { open_slide(path); });
}

/// Of opening a slide, or of reading all of it.
std::string open_or_read_error(const std::filesystem::path& path) {
  return data_error([&] {
    const auto reader = open_slide(path);
    reader->read(0, whole(reader->info().levels[0].extent));
  });
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Changes the directory of a TIFF so that its samples have a sign.
void say_signed(const std::filesystem::path& path) {
  TIFF* const tiff = TIFFOpen(path.c_str(), "r+");
  REQUIRE(tiff != nullptr);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_INT);
  CHECK(TIFFRewriteDirectory(tiff) == 1);
  TIFFClose(tiff);
}

}  // namespace

TEST_CASE("a missing, an empty, a text and a folder are each named for what they are") {
  const TemporaryFolder folder;
  write_text(folder / "empty.svs", "");
  write_text(folder / "text.svs", "patient,slide\n1,a.svs\n");
  write_text(folder / "pointer.svs", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  write_text(folder / "page.svs", "<!DOCTYPE html><html></html>");
  write_text(folder / "zeros.svs", std::string(5000, '\0'));
  const std::vector<std::string> errors = {
      open_error(folder / "absent.svs"),  open_error(folder / "empty.svs"),
      open_error(folder / "text.svs"),    open_error(folder.path()),
      open_error(folder / "pointer.svs"), open_error(folder / "page.svs"),
      open_error(folder / "zeros.svs")};
  const std::vector<std::string> words = {"does not exist", "empty (0 bytes)", "plain text",
                                          "is a folder",    "git lfs pull",    "web page",
                                          "zeros only"};
  for (size_t i = 0; i < errors.size(); ++i) {
    INFO(errors[i]);
    CHECK(has(errors[i], words[i]));
    CHECK(has(errors[i], folder.path().string()));
    CHECK_FALSE(has(errors[i], "\n"));
  }
  CHECK(std::set<std::string>(errors.begin(), errors.end()).size() == errors.size());
}

TEST_CASE("a file without permission to read says so") {
  if (geteuid() == 0) UNTILED_SKIP("root may read everything");
  const TemporaryFolder folder;
  write_text(folder / "locked.svs", "x");
  std::filesystem::permissions(folder / "locked.svs", std::filesystem::perms::none);
  CHECK(has(open_error(folder / "locked.svs"), "ermission denied"));
}

TEST_CASE("a pipe is refused without waiting for it") {
  const TemporaryFolder folder;
  REQUIRE(mkfifo((folder / "pipe.svs").c_str(), 0600) == 0);
  CHECK(has(open_error(folder / "pipe.svs"), "neither a file nor a folder"));
}

TEST_CASE("the three bad slides fail with the file's name and a reason") {
  struct Bad {
    const char* small;
    const char* real;
    const char* reason;
  };
  for (const Bad& bad : {Bad{"text.svs", "broken.svs", "plain text"},
                         Bad{"damaged.svs", "unreadable.svs", "damaged"},
                         Bad{"compression.tiff", "unopenable.tiff", "compression 52479"}}) {
    for (const auto& path : small_and_real(bad.small, bad.real)) {
      const std::string error = open_error(path);
      INFO(error);
      CHECK(has(error, path.filename().string()));
      CHECK(has(error, bad.reason));
    }
  }
}

TEST_CASE("slides that are cut short fail wherever the cut is") {
  const TemporaryFolder folder;
  for (const auto& [small, real] :
       {std::pair("aperio.svs", "CMU-1-Small-Region.svs"),
        std::pair("pyramid.tiff", "CropBreastSlide.tiff"),
        std::pair("picture.ome.tif", "OS-2.ome.tif"), std::pair("dark.ndpi", "fluorescence.ndpi"),
        std::pair("picture.jpg", "Case001_HE.jpg"), std::pair("picture.png", "green-pen.png")}) {
    for (const auto& path : small_and_real(small, real)) {
      const auto cut = folder / path.filename();
      for (const double fraction : {0.00001, 0.0003, 0.1, 0.6, 0.9}) {
        copy_cut(path, cut, fraction);
        const std::string error = open_or_read_error(cut);
        INFO(cut << " cut to " << fraction << ": " << error);
        CHECK(has(error, cut.string()));
      }
    }
  }
}

TEST_CASE("a tiled TIFF cut at any tenth fails and never gives white") {
  const TemporaryFolder folder;
  for (const uint16_t compression :
       {COMPRESSION_NONE, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_LZW}) {
    TiffImage image;
    image.compression = compression;
    write_tiff(folder / "whole.tif", {{image, {}}});
    for (int tenth = 1; tenth < 10; ++tenth) {
      copy_cut(folder / "whole.tif", folder / "cut.tif", tenth / 10.0);
      CHECK(has(open_or_read_error(folder / "cut.tif"), "cut.tif"));
    }
  }
}

TEST_CASE("a tile of noise fails with its place and leaves the others readable") {
  const TemporaryFolder folder;
  // A palette goes through OpenSlide, whose errors last; RGB through libtiff.
  for (const uint16_t photometric : {PHOTOMETRIC_PALETTE, PHOTOMETRIC_RGB}) {
    TiffImage image;
    image.photometric = photometric;
    image.samples = photometric == PHOTOMETRIC_PALETTE ? 1 : 3;
    const auto path = folder / (std::to_string(photometric) + ".tif");
    write_tiff(path, {{image, {}}});
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(10);  // The first tile's data follow the header of 8 bytes.
    file << std::string(40, '\xAA');
    file.close();
    const auto reader = open_slide(path);
    CHECK(reader->info().backend == (photometric == PHOTOMETRIC_RGB ? "tiff" : "openslide"));
    const auto before = reader->read(0, {{130, 200}, {130, 200}}).bytes;
    for (int repeat = 0; repeat < 2; ++repeat) {
      const std::string error = data_error([&] { reader->read(0, {{0, 10}, {0, 10}}); });
      INFO(error);
      CHECK(has(error, "rows [0,"));
      CHECK(has(error, "damaged"));
      CHECK(reader->read(0, {{130, 200}, {130, 200}}).bytes == before);
    }
  }
}

TEST_CASE("samples that RGB cannot hold are refused, never squashed") {
  const TemporaryFolder folder;
  TiffImage deep;
  deep.bits = 16;
  TiffImage dyes;
  dyes.samples = 5;
  dyes.photometric = PHOTOMETRIC_MINISBLACK;
  TiffImage planes;
  planes.samples = 1;
  planes.photometric = PHOTOMETRIC_MINISBLACK;
  planes.description = R"(<OME><Image><Pixels SizeC="4" SizeZ="1" SizeT="1"/></Image></OME>)";
  for (const int64_t tile : {128, 0}) {
    TiffImage with_sign;
    with_sign.tile = tile;
    write_tiff(folder / "sign.tif", {{with_sign, {}}});
    say_signed(folder / "sign.tif");
    CHECK(has(open_error(folder / "sign.tif"), "8 bits (with a sign)"));
  }
  write_tiff(folder / "deep.tif", {{deep, {}}});
  write_tiff(folder / "dyes.tif", {{dyes, {}}});
  write_tiff(folder / "planes.ome.tif", {{planes, {}}, {planes, {}}, {planes, {}}, {planes, {}}});
  CHECK(has(open_error(folder / "deep.tif"), "16 bits"));
  CHECK(has(open_error(folder / "dyes.tif"), "5 channels"));
  CHECK(has(open_error(folder / "planes.ome.tif"), "4 channels"));
}

TEST_CASE("an image too large to be decoded whole is refused before it is decoded") {
  OpenOptions options;
  options.max_image_pixels = 100'000;
  const std::string error = data_error([&] { open_slide(small_slide("picture.jpg"), options); });
  CHECK(has(error, "331 x 473"));
  CHECK(has(error, "tiled"));
}
