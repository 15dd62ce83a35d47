#include "lib/codecs/crc32c.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#include "lib/codecs/claim.h"
#include "lib/codecs/configuration.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // 0x1EDC6F41 with its bits reversed.
constexpr size_t kSumBytes = 4;

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_by_sse42(std::span<const uint8_t> bytes) {
  uint64_t crc = 0xFFFFFFFF;
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= bytes.size(); at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    crc = _mm_crc32_u64(crc, word);
  }
  auto rest = static_cast<uint32_t>(crc);
  for (; at < bytes.size(); ++at) rest = _mm_crc32_u8(rest, bytes[at]);
  return ~rest;
}
#endif

std::array<uint8_t, kSumBytes> sum_of(std::span<const uint8_t> bytes) {
  const uint32_t crc = crc32c(bytes);
  return {static_cast<uint8_t>(crc), static_cast<uint8_t>(crc >> 8),
          static_cast<uint8_t>(crc >> 16), static_cast<uint8_t>(crc >> 24)};
}

class Crc32c : public Codec {
 public:
  std::string name() const override { return "crc32c"; }
  nlohmann::json configuration() const override { return nlohmann::json::object(); }

  Bytes encode(std::span<const uint8_t> raw) const override {
    Bytes encoded(raw.size() + kSumBytes);
    std::copy(raw.begin(), raw.end(), encoded.begin());
    const auto sum = sum_of(raw);
    std::copy(sum.begin(), sum.end(), encoded.end() - kSumBytes);
    return encoded;
  }

  Bytes decode(std::span<const uint8_t> encoded, size_t limit) const override {
    if (encoded.size() < kSumBytes) throw DataError("it is too short for its crc32c");
    const auto raw = encoded.first(encoded.size() - kSumBytes);
    require_claim("crc32c", raw.size(), limit, encoded.size(), 1);
    const auto sum = sum_of(raw);
    if (!std::equal(sum.begin(), sum.end(), encoded.end() - kSumBytes)) {
      throw DataError("its crc32c is not that of its bytes");
    }
    return {raw.begin(), raw.end()};
  }
};

}  // namespace

uint32_t crc32c_by_table(std::span<const uint8_t> bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const uint8_t byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ byte) & 0xFF];
  return ~crc;
}

uint32_t crc32c(std::span<const uint8_t> bytes) {
#if defined(__x86_64__)
  static const bool has_sse42 = __builtin_cpu_supports("sse4.2") != 0;
  if (has_sse42) return crc32c_by_sse42(bytes);
#endif
  return crc32c_by_table(bytes);
}

CodecPtr make_crc32c(const nlohmann::json& configuration) {
  require_known_keys("crc32c", configuration, {});
  return std::make_shared<Crc32c>();
}

}  // namespace untiled
