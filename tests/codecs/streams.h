// Bytes to be encoded.
#pragma once

#include <random>
#include <span>
#include <vector>

#include "lib/core/pixel_source.h"

namespace untiled {

inline std::span<const uint8_t> span_of(const Bytes& bytes) { return {bytes.data(), bytes.size()}; }

/// None, one, equal ones, noise, and a mixture of both that is larger than a block of any codec.
inline std::vector<Bytes> sample_bytes() {
  std::mt19937 random(5);
  Bytes noise(70'000);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random());
  Bytes mixed(300'000, 200);
  for (size_t i = 0; i < mixed.size(); i += 1 + random() % 9) {
    mixed[i] = static_cast<uint8_t>(random() % 4);
  }
  return {Bytes{}, Bytes(1, 9), Bytes(100'000, 0), noise, mixed};
}

}  // namespace untiled
