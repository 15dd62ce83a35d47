#include "data/slide/jpeg_stream.h"

#include <algorithm>
#include <array>

namespace untiled {
namespace {

using Bytes2 = std::array<uint8_t, 2>;

constexpr Bytes2 kBegin = {0xFF, 0xD8};
constexpr Bytes2 kEnd = {0xFF, 0xD9};
/// APP14: "Adobe", version 100, no flags, and last what the components are.
constexpr std::array<uint8_t, 15> kAdobe = {0xFF, 0xEE, 0,   14, 'A', 'd', 'o', 'b',
                                            'e',  0,    100, 0,  0,   0,   0};
constexpr uint8_t kAdobeRgb = 0;
constexpr uint8_t kAdobeYCbCr = 1;

bool begins_with(std::span<const uint8_t> bytes, const Bytes2& mark) {
  return bytes.size() >= mark.size() && std::equal(mark.begin(), mark.end(), bytes.begin());
}

/// What lies between the marks of a stream of tables alone.
std::span<const uint8_t> inner_tables(std::span<const uint8_t> tables) {
  if (!begins_with(tables, kBegin)) return {};
  std::span<const uint8_t> inner = tables.subspan(kBegin.size());
  if (inner.size() < kEnd.size() || !begins_with(inner.last(kEnd.size()), kEnd)) return {};
  return inner.first(inner.size() - kEnd.size());
}

void append(std::vector<uint8_t>& to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::vector<uint8_t> whole_jpeg_stream(std::span<const uint8_t> tables,
                                       std::span<const uint8_t> stream, JpegColor color,
                                       const Extent& extent) {
  const JpegHeader header = read_jpeg_header(stream);
  const std::span<const uint8_t> inner = inner_tables(tables);
  if (header.extent != extent || header.components != 3 || !begins_with(stream, kBegin)) return {};
  if (inner.empty() && !tables.empty()) return {};
  const bool is_ycbcr = color == JpegColor::kYCbCr || header.is_ycbcr.value_or(false);
  if (header.is_ycbcr.value_or(is_ycbcr) != is_ycbcr) return {};
  std::vector<uint8_t> whole(kBegin.begin(), kBegin.end());
  append(whole, inner);
  if (!header.is_ycbcr) {
    append(whole, kAdobe);
    whole.push_back(is_ycbcr ? kAdobeYCbCr : kAdobeRgb);
  }
  append(whole, stream.subspan(kBegin.size()));
  return whole;
}

}  // namespace untiled
