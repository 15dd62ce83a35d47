// What DICOM files say of their colours, and what their streams say.
#include "data/slide/dicom_file.h"
#include "data/slide/ycbcr.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;
using std::string_literals::operator""s;

namespace {

std::string number(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
  return text;
}

std::string tag(uint16_t group, uint16_t element) { return number(group, 2) + number(element, 2); }

std::string element(uint16_t group, uint16_t id, const char* kind, std::string value) {
  if (value.size() % 2 == 1) value += ' ';
  return tag(group, id) + kind + number(value.size(), 2) + value;
}

std::string item(const std::string& value) {
  return tag(0xFFFE, 0xE000) + number(value.size(), 4) + value;
}

constexpr uint32_t kOpen = 0xFFFFFFFF;

/// A sequence and an item without lengths around `value`.
std::string open_sequence(uint16_t group, uint16_t id, const std::string& value) {
  return tag(group, id) + "SQ\0\0"s + number(kOpen, 4) + tag(0xFFFE, 0xE000) + number(kOpen, 4) +
         value + tag(0xFFFE, 0xE00D) + number(0, 4) + tag(0xFFFE, 0xE0DD) + number(0, 4);
}

/// The header of a JPEG stream of 16 x 16 pixels and three components, up to its data.
std::string jpeg(const std::string& marker, char luma_sampling = 0x11) {
  return "\xFF\xD8"s + marker + "\xFF\xC0\0\x11\x08\0\x10\0\x10\x03\x01"s + luma_sampling +
         "\0\x02\x11\0\x03\x11\0\xFF\xDA\0\x0C\x03\x01\0\x02\0\x03\0\0\x3F\0"s;
}

const std::string kJfif = "\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"s;
const std::string kAdobeRgb =
    "\xFF\xEE\0\x0E"
    "Adobe\0\x64\0\0\0\0\0"s;
const std::string kBaseline = "1.2.840.10008.1.2.4.50";

std::string dicom(const std::string& photometric, const std::string& frame,
                  const std::string& series = "1.2.3", const std::string& type = "VOLUME") {
  return std::string(128, '\0') + "DICM" + element(2, 0x10, "UI", kBaseline) +
         element(8, 8, "CS", "ORIGINAL\\PRIMARY\\" + type) + element(0x20, 0xE, "UI", series) +
         // An icon's facts, which are not the slide's.
         open_sequence(0x28, 0x2, element(0x28, 4, "CS", "MONOCHROME2")) +
         element(0x28, 4, "CS", photometric) + tag(0x7FE0, 0x10) + "OB\0\0"s + number(kOpen, 4) +
         item("") + item(frame);
}

class Folder {
 public:
  std::filesystem::path write(const std::string& name, const std::string& bytes) {
    write_text(folder_ / name, bytes);
    files_.push_back(folder_ / name);
    return files_.back();
  }
  DicomColors colors() const { return dicom_colors(files_.front(), files_); }

 private:
  TemporaryFolder folder_;
  std::vector<std::filesystem::path> files_;
};

DicomColors colors_of(const std::string& photometric, const std::string& frame) {
  Folder folder;
  folder.write("a.dcm", dicom(photometric, frame));
  return folder.colors();
}

}  // namespace

TEST_CASE("a DICOM file's facts are those outside its sequences") {
  Folder folder;
  const auto facts = read_dicom_facts(folder.write("a.dcm", dicom("RGB", jpeg(kJfif))));
  REQUIRE(facts.has_value());
  CHECK(facts->transfer_syntax == kBaseline);
  CHECK(facts->photometric == "RGB");
  CHECK(facts->series == "1.2.3");
  CHECK(facts->frame.size() == jpeg(kJfif).size());
}

TEST_CASE("a JPEG stream's own marks outweigh a DICOM header that says RGB") {
  CHECK(colors_of("RGB", jpeg(kJfif)) == DicomColors::kYCbCr);
  CHECK(colors_of("RGB", jpeg("", 0x21)) == DicomColors::kYCbCr);
  CHECK(colors_of("RGB", jpeg(kAdobeRgb)) == DicomColors::kRgb);
  CHECK(colors_of("RGB", jpeg("")) == DicomColors::kRgb);
  CHECK(colors_of("YBR_FULL_422", jpeg(kJfif)) == DicomColors::kRgb);
  CHECK(colors_of("YBR_FULL_422", jpeg("", 0x21)) == DicomColors::kRgb);
}

TEST_CASE("RGB that is said to be YCbCr is refused, for its colours are lost") {
  CHECK_THAT(data_error([] { colors_of("YBR_FULL_422", jpeg(kAdobeRgb)); }),
             contains_text("a.dcm says that its colours are YBR_FULL_422"));
}

TEST_CASE("only levels of the slide's own series count, and they agree") {
  Folder folder;
  folder.write("a.dcm", dicom("RGB", jpeg(kJfif)));
  folder.write("label.dcm", dicom("RGB", jpeg(""), "1.2.3", "LABEL"));
  folder.write("other.dcm", dicom("RGB", jpeg(""), "1.2.4"));
  CHECK(folder.colors() == DicomColors::kYCbCr);
  folder.write("level1.dcm", dicom("RGB", jpeg("")));
  CHECK_THAT(data_error([&] { folder.colors(); }), contains_text("level1.dcm"));
}

TEST_CASE("DICOM files that end early or hold noise say nothing") {
  Folder folder;
  const std::string sound = dicom("RGB", jpeg(kJfif));
  for (size_t size = 132; size + 85 < sound.size(); size += 7) {
    CHECK_FALSE(read_dicom_facts(folder.write("cut.dcm", sound.substr(0, size))).has_value());
  }
  CHECK(colors_of("RGB", "noise") == DicomColors::kRgb);
}

namespace {

/// A level of 700 x 900 pixels in 12 frames of 256 x 256, whose bytes are not there.
struct LevelHeader {
  std::string syntax = kBaseline;
  std::string frames = "12";
  std::string organization = "TILED_FULL";
  std::string type = "VOLUME";
  uint32_t total_cols = 900;
  uint32_t total_rows = 700;
  uint32_t optical_paths = 1;
  int placed = -1;  ///< Frames that say where they belong; -1: no list of frames.
  std::string more;
};

std::string long_element(uint16_t group, uint16_t id, const char* kind, const std::string& value) {
  return tag(group, id) + kind + number(0, 2) + number(value.size(), 4) + value;
}

/// The list of frames, with lengths or without.
std::string frame_list(int placed, bool open) {
  const std::string position = element(0x48, 0x21E, "SL", number(1, 4));
  std::string items;
  for (int i = 0; i < placed; ++i) {
    items += open ? tag(0xFFFE, 0xE000) + number(kOpen, 4) + open_sequence(0x48, 0x21A, position) +
                        tag(0xFFFE, 0xE00D) + number(0, 4)
                  : item(long_element(0x48, 0x21A, "SQ", item(position)));
  }
  if (!open) return long_element(0x5200, 0x9230, "SQ", items);
  return tag(0x5200, 0x9230) + "SQ\0\0"s + number(kOpen, 4) + items + tag(0xFFFE, 0xE0DD) +
         number(0, 4);
}

std::string level(const LevelHeader& header, bool open = false) {
  return std::string(128, '\0') + "DICM" + element(2, 0x10, "UI", header.syntax) +
         element(8, 8, "CS", "ORIGINAL\\PRIMARY\\" + header.type) +
         element(0x20, 0xE, "UI", "1.2.3") + header.more +
         element(0x20, 0x9311, "CS", header.organization) + element(0x28, 2, "US", number(3, 2)) +
         element(0x28, 8, "IS", header.frames) + element(0x28, 0x10, "US", number(256, 2)) +
         element(0x28, 0x11, "US", number(256, 2)) +
         element(0x48, 6, "UL", number(header.total_cols, 4)) +
         element(0x48, 7, "UL", number(header.total_rows, 4)) +
         element(0x48, 0x302, "UL", number(header.optical_paths, 4)) +
         (header.placed < 0 ? "" : frame_list(header.placed, open)) + tag(0x7FE0, 0x10) +
         "OB\0\0"s + number(kOpen, 4) + item("") + item(std::string(512, 'x'));
}

std::string refusal(const LevelHeader& header, bool open = false) {
  Folder folder;
  const auto path = folder.write("a.dcm", level(header, open));
  try {
    require_sound_series(path, {path});
    return "";
  } catch (const DataError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a DICOM file's series is its own, not that of one it refers to") {
  Folder folder;
  LevelHeader header;
  // Before the series stand another that is referred to, and more private bytes than are looked at
  // at once.
  const std::string before = open_sequence(8, 0x1115, element(0x20, 0xE, "UI", "9.9")) +
                             long_element(8, 0x1115, "SQ", item(element(0x20, 0xE, "UI", "9.8"))) +
                             long_element(9, 0x1001, "OB", std::string(400'000, '\0'));
  const std::string sound = level(header);
  const size_t at = sound.find(element(8, 8, "CS", "ORIGINAL\\PRIMARY\\VOLUME"));
  const std::string bytes = sound.substr(0, at) + before + sound.substr(at);
  CHECK(dicom_series(folder.write("a.dcm", bytes)) == "1.2.3");
  CHECK(dicom_series(folder.write("cut.dcm", sound.substr(0, 150))).empty());
}

TEST_CASE("a DICOM level's frames fill it") {
  CHECK(refusal({}).empty());
  CHECK_THAT(refusal({.frames = "11"}),
             contains_text("11 frames of 256 x 256") && contains_text("where 12 belong"));
  CHECK_THAT(refusal({.total_cols = 600}), contains_text("where 9 belong"));
  CHECK_THAT(refusal({.total_cols = 450}), contains_text("where 6 belong"));
  CHECK_THAT(refusal({.organization = ""}), Catch::Matchers::Equals(""));
  CHECK(refusal({.frames = "24", .optical_paths = 2}).empty());
  CHECK_THAT(refusal({.frames = "12", .optical_paths = 2}), contains_text("where 24 belong"));
  CHECK(refusal({.frames = "7", .type = "LABEL"}).empty());
  CHECK(refusal({.frames = "5", .more = element(0x20, 0x9161, "UI", "1.2.9")}).empty());
}

TEST_CASE("a DICOM file claims no more frames than it can hold") {
  for (const char* frames : {"2000000000", "-5", "many", "99999999999999999999", "1e3"}) {
    INFO(frames);
    CHECK_THAT(refusal({.frames = frames}), contains_text("claims more frames than its"));
  }
  for (const char* organization : {"TILED_FULL", "TILED_SPARSE"}) {
    CHECK_THAT(refusal({.organization = organization, .total_cols = 4'000'000'000}),
               contains_text("claims a level of"));
    CHECK_THAT(
        refusal({.organization = organization, .total_cols = 1 << 30, .total_rows = 1 << 30}),
        contains_text("claims a level of"));
  }
}

TEST_CASE("each frame of a sparse DICOM level says where it belongs") {
  for (const bool open : {false, true}) {
    CHECK(refusal({.organization = "TILED_SPARSE", .placed = 12}, open).empty());
    CHECK(refusal({.frames = "3", .organization = "TILED_SPARSE", .placed = 3}, open).empty());
    CHECK_THAT(refusal({.organization = "TILED_SPARSE", .placed = 5}, open),
               contains_text("it says of 5 of its 12 frames"));
    CHECK_THAT(refusal({.organization = "TILED_SPARSE", .placed = 0}, open),
               contains_text("it says of 0 of its 12 frames"));
    CHECK(refusal({.organization = "", .placed = 12}, open).empty());
    CHECK(refusal({.placed = 0}, open).empty());  // TILED_FULL: the list is not needed.
  }
  // Nor may the list be absent. (These headers lack what OpenSlide asks for first.)
  for (const char* organization : {"TILED_SPARSE", "3D"}) {
    CHECK_THAT(refusal({.organization = organization}),
               contains_text("it says of 0 of its 12 frames"));
  }
}

TEST_CASE("encodings of DICOM that are not read are named") {
  CHECK_THAT(refusal({.syntax = "1.2.840.10008.1.2.1.99"}), contains_text("is deflated DICOM"));
  CHECK_THAT(refusal({.syntax = "1.2.840.10008.1.2.2"}), contains_text("is big-endian DICOM"));
}

TEST_CASE("only files of the slide's own series need be sound, and all of them") {
  Folder folder;
  const auto path = folder.write("a.dcm", level({}));
  const auto other =
      folder.write("b.dcm", level({.frames = "11", .more = element(0x20, 0xE, "UI", "1.2.4")}));
  CHECK_NOTHROW(require_sound_series(path, {path, other}));
  const auto same = folder.write("c.dcm", level({.frames = "11"}));
  CHECK_THAT(data_error([&] {
               require_sound_series(path, {path, same});
             }),
             contains_text("c.dcm is damaged"));
}

TEST_CASE("optical paths that are not read are warned of") {
  Folder folder;
  const auto one = folder.write("a.dcm", level({}));
  CHECK(dicom_warnings(one, {one}).empty());
  const auto two = folder.write("b.dcm", level({.frames = "24", .optical_paths = 2}));
  REQUIRE(dicom_warnings(one, {one, two}).size() == 1);
  CHECK_THAT(dicom_warnings(one, {one, two}).front(), contains_text("2 optical paths"));
}

TEST_CASE("YCbCr becomes RGB as JFIF has it") {
  uint8_t pixels[] = {242, 128, 128, 76, 85, 255, 0, 255, 0};
  ycbcr_to_rgb(pixels, 3, 3);
  CHECK(pixels[0] == 242);
  CHECK(pixels[1] == 242);
  CHECK(pixels[2] == 242);
  CHECK(pixels[3] == 254);
  CHECK(pixels[4] == 0);
  CHECK(pixels[8] == 225);
}
