// Short names for content: XXH3 with 128 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace untiled {

/// A hash over several pieces, the same on every machine of one byte order. One thread.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void add(const void* data, size_t size);
  void add_number(uint64_t value) { add(&value, sizeof value); }
  /// Text and its length, so that two texts do not run into one another.
  void add_text(std::string_view text);
  /// 32 hex digits.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// 32 hex digits of one piece.
std::string hash_of(std::string_view content);

}  // namespace untiled
