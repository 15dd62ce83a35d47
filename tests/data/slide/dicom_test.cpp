// What DICOM files say of their colours, and what their streams say.
#include "data/slide/dicom_file.h"
#include "data/slide/ycbcr.h"
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
