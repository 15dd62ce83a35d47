#include "lib/train/tensorboard.h"

#include <array>
#include <bit>
#include <chrono>
#include <cstring>

#include "lib/core/error.h"

namespace untiled {
namespace {

static_assert(std::endian::native == std::endian::little, "TFRecords are little-endian");

constexpr uint32_t kCastagnoliReversed = 0x82F63B78;
constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";
constexpr size_t kPngHeaderEnd = 26;  // signature, length, "IHDR", width, height, depth, colour

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1U) != 0U ? kCastagnoliReversed : 0U);
    }
    table[i] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = make_crc_table();

template <typename T>
std::string raw_bytes(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

uint32_t masked_crc(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U; }

/// A TFRecord: length, its checksum, data, its checksum.
std::string record(std::string_view data) {
  const std::string length = raw_bytes(static_cast<uint64_t>(data.size()));
  return length + raw_bytes(masked_crc(length)) + std::string(data) + raw_bytes(masked_crc(data));
}

// Protocol buffers' wire format: a key (field number and wire type), then the value.
std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

std::string key(uint64_t field, uint64_t wire_type) { return varint(field << 3 | wire_type); }

std::string integer_field(uint64_t field, int64_t value) {
  return key(field, 0) + varint(static_cast<uint64_t>(value));
}
std::string double_field(uint64_t field, double value) { return key(field, 1) + raw_bytes(value); }
std::string float_field(uint64_t field, float value) { return key(field, 5) + raw_bytes(value); }
std::string bytes_field(uint64_t field, std::string_view value) {
  return key(field, 2) + varint(value.size()) + std::string(value);
}

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
constexpr uint64_t kEventWallTime = 1;
constexpr uint64_t kEventStep = 2;
constexpr uint64_t kEventFileVersion = 3;
constexpr uint64_t kEventSummary = 5;
constexpr uint64_t kSummaryValue = 1;
constexpr uint64_t kValueTag = 1;
constexpr uint64_t kValueSimple = 2;
constexpr uint64_t kValueImage = 4;
constexpr uint64_t kImageHeight = 1;
constexpr uint64_t kImageWidth = 2;
constexpr uint64_t kImageColorspace = 3;
constexpr uint64_t kImageEncoded = 4;

std::string wall_time_field() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return double_field(kEventWallTime, std::chrono::duration<double>(now).count());
}

std::string summary_event(int64_t step, std::string_view summary) {
  return wall_time_field() + integer_field(kEventStep, step) + bytes_field(kEventSummary, summary);
}

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

/// Samples a pixel of a PNG's colour type, which TensorBoard calls colour space.
int64_t png_channels(char color_type) {
  switch (color_type) {
    case 0:
      return 1;
    case 4:
      return 2;
    case 6:
      return 4;
    default:
      return 3;
  }
}

std::string image_message(std::string_view png) {
  if (png.size() < kPngHeaderEnd || !png.starts_with(kPngSignature)) {
    throw InternalError("an image for TensorBoard is not a PNG file");
  }
  return integer_field(kImageHeight, big_endian(png.substr(20))) +
         integer_field(kImageWidth, big_endian(png.substr(16))) +
         integer_field(kImageColorspace, png_channels(png[25])) + bytes_field(kImageEncoded, png);
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<uint8_t>(byte)) & 0xFFU];
  }
  return ~crc;
}

TensorBoardWriter::TensorBoardWriter(std::filesystem::path path, int64_t keep_bytes)
    : file_(std::move(path), keep_bytes) {
  if (keep_bytes > 0) return;
  file_.append(record(wall_time_field() + bytes_field(kEventFileVersion, "brain.Event:2")));
}

void TensorBoardWriter::write_scalars(int64_t step, const std::vector<ScalarPoint>& points) {
  std::string summary;
  for (const ScalarPoint& point : points) {
    summary +=
        bytes_field(kSummaryValue, bytes_field(kValueTag, point.tag) +
                                       float_field(kValueSimple, static_cast<float>(point.value)));
  }
  file_.append(record(summary_event(step, summary)));
}

void TensorBoardWriter::write_image(int64_t step, std::string_view tag, std::string_view png) {
  const std::string value =
      bytes_field(kValueTag, tag) + bytes_field(kValueImage, image_message(png));
  file_.append(record(summary_event(step, bytes_field(kSummaryValue, value))));
}

}  // namespace untiled
