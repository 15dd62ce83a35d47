// Random numbers without state: each draw is a function of a seed and of what it is drawn for
// (step, slide, purpose), so that order, threads and a resume cannot change it.
#pragma once

#include <cstdint>

namespace untiled {

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64 bits.
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// A generator keyed by up to four numbers; equal keys give equal sequences.
class Random {
 public:
  explicit constexpr Random(uint64_t seed, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0)
      : key_(mix64(mix64(mix64(mix64(seed) ^ a) ^ b) ^ c)) {}

  constexpr uint64_t next() { return mix64(key_ + counter_++ * 0xD1342543DE82EF95ULL); }
  /// Uniform in [0, 1), 53 bits.
  constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  constexpr double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform in 0 ... count - 1 (bias below count / 2^64).
  constexpr int64_t below(int64_t count) {
    return static_cast<int64_t>(next() % static_cast<uint64_t>(count));
  }
  /// Standard normal (Box and Muller 1958).
  double normal();

 private:
  uint64_t key_;
  uint64_t counter_ = 0;
};

}  // namespace untiled
