// Files made to mislead a reader, and what the system refuses.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <numeric>
#include <random>

#include "data/slide/dicom_file.h"
#include "data/slide/file_kind.h"
#include "data/slide/fingerprint.h"
#include "data/slide/openslide_handle.h"
#include "data/slide/reader.h"
#include "data/slide/tiff_directory.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/stop.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

std::string little_endian(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

/// A TIFF of one row whose directory lists SubIFDs at these bytes, whatever is there.
void write_sub_offsets(const std::filesystem::path& path, const std::vector<uint32_t>& offsets) {
  TIFF* tiff = TIFFOpen(path.c_str(), "wl");
  REQUIRE(tiff != nullptr);
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 5000);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 1);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  const std::vector<uint64_t> none(offsets.size(), 0);
  TIFFSetField(tiff, TIFFTAG_SUBIFD, static_cast<uint16_t>(none.size()), none.data());
  std::vector<uint8_t> row(5000, 7);
  TIFFWriteScanline(tiff, row.data(), 0, 0);
  REQUIRE(TIFFWriteDirectory(tiff) == 1);
  TIFFClose(tiff);

  std::string bytes = read_file(path);
  const std::string tag = little_endian(TIFFTAG_SUBIFD, 2);
  const std::string count = little_endian(offsets.size(), 4);
  size_t entry = bytes.find(tag);
  while (entry != std::string::npos && bytes.compare(entry + 4, 4, count) != 0) {
    entry = bytes.find(tag, entry + 1);
  }
  REQUIRE(entry != std::string::npos);
  size_t list = 0;
  for (size_t i = 0; i < 4; ++i) {
    list |= static_cast<size_t>(static_cast<uint8_t>(bytes[entry + 8 + i])) << (8 * i);
  }
  for (size_t i = 0; i < offsets.size(); ++i) {
    bytes.replace(list + 4 * i, 4, little_endian(offsets[i], 4));
  }
  write_text(path, bytes);
}

std::string dicom_element(uint16_t group, uint16_t element, const std::string& kind,
                          std::string value) {
  if (value.size() % 2 != 0) value += '\0';
  const bool long_size = kind == "OB";
  return little_endian(group, 2) + little_endian(element, 2) + kind +
         (long_size ? std::string(2, '\0') : "") + little_endian(value.size(), long_size ? 4 : 2) +
         value;
}

/// The beginning of a whole-slide DICOM file, enough to be recognised.
void write_dicom(const std::filesystem::path& path, const std::string& series) {
  const std::string meta = dicom_element(2, 1, "OB", std::string("\0\1", 2)) +
                           dicom_element(2, 2, "UI", "1.2.840.10008.5.1.4.1.1.77.1.6") +
                           dicom_element(2, 3, "UI", "1.2.3") +
                           dicom_element(2, 0x10, "UI", "1.2.840.10008.1.2.1") +
                           dicom_element(2, 0x12, "UI", "1.2.3.4");
  write_text(path, std::string(128, '\0') + "DICM" +
                       dicom_element(2, 0, "UL", little_endian(meta.size(), 4)) + meta +
                       dicom_element(8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.77.1.6") +
                       dicom_element(0x20, 0x0E, "UI", series));
}

/// While it lives this process can open no file.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit limit = {0, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;

 private:
  rlimit before_ = {};
};

}  // namespace

TEST_CASE("noise inside a JPEG tile is an error with its place, never a picture of noise") {
  const TemporaryFolder folder;
  TiffImage image;
  image.compression = COMPRESSION_JPEG;
  write_tiff(folder / "whole.tif", {{image, {}}});
  const TiffBlock tile = read_tiff_file(folder / "whole.tif").main.at(0).blocks.at(0);
  const std::string whole_file = read_file(folder / "whole.tif");
  std::mt19937 random(3);
  for (int i = 0; i < 10; ++i) {
    std::string bytes = whole_file;
    for (size_t at = tile.size / 2; at < tile.size - 2; ++at) {
      bytes[tile.offset + at] = static_cast<char>(random());
    }
    write_text(folder / "noise.tif", bytes);
    const auto reader = open_slide(folder / "noise.tif");
    REQUIRE(reader->info().backend == "tiff");
    const std::string error = data_error([&] { reader->read(0, {{0, 10}, {0, 10}}); });
    CHECK_THAT(error, contains_text("noise.tif is damaged") && contains_text("rows [0, 128)"));
    CHECK(reader->read(0, {{130, 200}, {130, 200}}).bytes.size() == 70 * 70 * 3);
  }
}

TEST_CASE("a SubIFD that is listed twice is refused") {
  const TemporaryFolder folder;
  write_sub_offsets(folder / "loop.tif", {8, 8});
  CHECK_THAT(data_error([&] { read_tiff_file(folder / "loop.tif"); }),
             contains_text("loop.tif") && contains_text("SubIFD at byte 8 is listed twice"));
}

TEST_CASE("more directories than any slide has are refused before they are read") {
  const TemporaryFolder folder;
  std::vector<uint32_t> offsets(5000);
  std::iota(offsets.begin(), offsets.end(), 8);
  write_sub_offsets(folder / "many.tif", offsets);
  CHECK_THAT(data_error([&] { read_tiff_file(folder / "many.tif"); }),
             contains_text("many.tif") && contains_text("more than 4096 TIFF directories"));
}

TEST_CASE("directories that claim one list of tiles again and again are refused in little memory") {
  const TemporaryFolder folder;
  // 1,500 directories, each of 65,536 strips, whose offsets and sizes are one list in the file.
  constexpr uint32_t kDirectories = 1500;
  constexpr uint32_t kStrips = 65'536;
  constexpr uint32_t kList = 8 + kDirectories * (2 + 8 * 12 + 4);
  std::string bytes = "II*" + std::string(1, '\0') + little_endian(8, 4);
  const auto entry = [](uint64_t tag, uint64_t type, uint64_t count, uint64_t value) {
    return little_endian(tag, 2) + little_endian(type, 2) + little_endian(count, 4) +
           little_endian(value, 4);
  };
  for (uint32_t i = 0; i < kDirectories; ++i) {
    bytes += little_endian(8, 2) + entry(256, 4, 1, 16) + entry(257, 4, 1, kStrips) +
             entry(258, 3, 1, 8) + entry(259, 3, 1, 1) + entry(262, 3, 1, 1) +
             entry(273, 4, kStrips, kList) + entry(278, 4, 1, 1) + entry(279, 4, kStrips, kList);
    const bool last = i + 1 == kDirectories;
    bytes += little_endian(last ? 0 : bytes.size() + 4, 4);
  }
  REQUIRE(bytes.size() == kList);
  for (uint32_t i = 0; i < kStrips; ++i) bytes += little_endian(16, 4);
  write_text(folder / "claims.tif", bytes);
  CHECK_THAT(data_error([&] { read_tiff_file(folder / "claims.tif"); }),
             contains_text("claims.tif") && contains_text("more tiles and texts"));
}

TEST_CASE("a JPEG image of four colours is refused when it is opened") {
  const TemporaryFolder folder;
  std::string bytes = "\xFF\xD8\xFF\xC0" + std::string("\0\x14\x08\0\x10\0\x10\x04", 8);
  for (char c = 1; c <= 4; ++c) bytes += std::string{c, 0x11, 0};
  bytes += "\xFF\xDA" + std::string("\0\x0E\x04", 3);
  for (char c = 1; c <= 4; ++c) bytes += std::string{c, 0};
  bytes += std::string("\0\x3F\0", 3);
  write_text(folder / "cmyk.jpg", bytes);
  CHECK_THAT(data_error([&] { open_slide(folder / "cmyk.jpg"); }),
             contains_text("cmyk.jpg has 4 colour components"));
}

TEST_CASE("the series of a DICOM file is read from its data set") {
  const TemporaryFolder folder;
  write_dicom(folder / "a.dcm", "1.2.840.7");
  CHECK(file_kind(folder / "a.dcm") == FileKind::kDicom);
  CHECK(dicom_series(folder / "a.dcm") == "1.2.840.7");
  write_text(folder / "b.dcm", "no DICOM file");
  CHECK(dicom_series(folder / "b.dcm").empty());
}

TEST_CASE("a folder of two DICOM slides is refused with a file of each") {
  const TemporaryFolder folder;
  write_dicom(folder / "a.dcm", "1.2.840.7");
  if (!openslide_vendor(folder / "a.dcm")) {
    UNTILED_SKIP("OpenSlide " + openslide_version() + " does not know DICOM");
  }
  write_dicom(folder / "b.dcm", "1.2.840.7");
  write_dicom(folder / "c.dcm", "1.2.840.8");
  CHECK_THAT(
      data_error([&] { open_slide(folder.path()); }),
      contains_text("several DICOM slides") && contains_text("a.dcm") && contains_text("c.dcm"));
}

TEST_CASE("a DICOM file that is cut before its series is not taken for another slide") {
  const TemporaryFolder folder;
  write_dicom(folder / "a.dcm", "1.2.840.7");
  if (!openslide_vendor(folder / "a.dcm")) {
    UNTILED_SKIP("OpenSlide " + openslide_version() + " does not know DICOM");
  }
  write_dicom(folder / "b.dcm", "");
  CHECK_THAT(data_error([&] { open_slide(folder.path()); }),
             contains_text("b.dcm is damaged or cut short"));
}

TEST_CASE("a folder that may not be listed says so") {
  if (geteuid() == 0) UNTILED_SKIP("root may list everything");
  const TemporaryFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::none);
  const std::string error = data_error([&] { open_slide(folder.path()); });
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
  CHECK_THAT(error, contains_text("cannot be listed"));
}

TEST_CASE("a TIFF that the system does not open is not called damaged") {
  const TemporaryFolder folder;
  write_tiff(folder / "a.tif", {{TiffImage{}, {}}});
  std::string error;
  {
    const NoMoreFiles limit;
    error = data_error([&] { read_tiff_file(folder / "a.tif"); });
  }
  CHECK_THAT(error, contains_text("a.tif cannot be opened: Too many open files"));
}

TEST_CASE("a file of which less can be read than it should hold has no fingerprint") {
  // The kernel's file has a page as its size and gives a line.
  const std::filesystem::path file = "/sys/kernel/mm/transparent_hugepage/enabled";
  std::error_code error;
  if (std::filesystem::file_size(file, error) <= 256 || error)
    UNTILED_SKIP("there is no " + file.string());
  SlideInfo info;
  info.files = {file};
  CHECK_THAT(data_error([&] { fingerprint(info); }), contains_text(file.string()));
  CHECK_THAT(data_error([&] { content_hash(info); }), contains_text("cannot be read"));
}

TEST_CASE("hashing a slide's content ends when a stop is asked for") {
  const TemporaryFolder folder;
  write_text(folder / "a", "some bytes");
  SlideInfo info;
  info.files = {folder / "a"};
  request_stop(SIGTERM);
  CHECK_THROWS_AS(content_hash(info), Interrupted);
  request_stop(0);
  CHECK_NOTHROW(content_hash(info));
}
