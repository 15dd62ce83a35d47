#include "lib/output/uuid.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace untiled {
namespace {

/// 0b3c1d6e-52f0-4d8a-9c57-3f1e6a2b8d41, drawn at random.
constexpr std::array<uint8_t, 16> kNamespace = {0x0b, 0x3c, 0x1d, 0x6e, 0x52, 0xf0, 0x4d, 0x8a,
                                                0x9c, 0x57, 0x3f, 0x1e, 0x6a, 0x2b, 0x8d, 0x41};
constexpr size_t kBlock = 64;

using Words = std::array<uint32_t, 5>;

/// FIPS 180-4, section 6.1.2.
void add_block(Words& state, const uint8_t* block) {
  std::array<uint32_t, 80> w{};
  for (size_t t = 0; t < 16; ++t) {
    w[t] = uint32_t{block[4 * t]} << 24 | uint32_t{block[4 * t + 1]} << 16 |
           uint32_t{block[4 * t + 2]} << 8 | uint32_t{block[4 * t + 3]};
  }
  for (size_t t = 16; t < w.size(); ++t) {
    w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (size_t t = 0; t < w.size(); ++t) {
    uint32_t f = 0;
    uint32_t k = 0;
    if (t < 20) {
      f = (b & c) | (~b & d);
      k = 0x5A827999;
    } else if (t < 40) {
      f = b ^ c ^ d;
      k = 0x6ED9EBA1;
    } else if (t < 60) {
      f = (b & c) | (b & d) | (c & d);
      k = 0x8F1BBCDC;
    } else {
      f = b ^ c ^ d;
      k = 0xCA62C1D6;
    }
    const uint32_t next = std::rotl(a, 5) + f + e + k + w[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

Words sha1(std::vector<uint8_t> message) {
  const uint64_t bits = 8 * static_cast<uint64_t>(message.size());
  message.push_back(0x80);
  while (message.size() % kBlock != kBlock - sizeof bits) message.push_back(0);
  for (int shift = 56; shift >= 0; shift -= 8) {
    message.push_back(static_cast<uint8_t>(bits >> shift));
  }
  Words state = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  for (size_t block = 0; block < message.size(); block += kBlock) {
    add_block(state, message.data() + block);
  }
  return state;
}

}  // namespace

std::string content_uuid(std::string_view content) {
  std::vector<uint8_t> message(kNamespace.begin(), kNamespace.end());
  message.insert(message.end(), content.begin(), content.end());
  const Words h = sha1(std::move(message));
  return fmt::format("{:08x}-{:04x}-5{:03x}-{:04x}-{:04x}{:08x}", h[0], h[1] >> 16, h[1] & 0xFFF,
                     0x8000U | (h[2] >> 16 & 0x3FFF), h[2] & 0xFFFF, h[3]);
}

}  // namespace untiled
