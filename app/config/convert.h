// From a YAML value to a C++ value and back. The readers throw ConfigError with place, key, what
// was expected and what was found.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/value.h"

namespace untiled {

/// The numbers from `least` to `most`; without the ends where these are open.
template <typename T>
struct Range {
  T least;
  T most = std::numeric_limits<T>::max();
  bool open = false;

  bool contains(T number) const {
    return open ? least < number && number < most : least <= number && number <= most;
  }
};

/// "a whole number from 16 to 8192".
template <typename T>
std::string describe(const Range<T>& range);

/// `Number` is int64_t, uint64_t or double.
template <typename Number>
Number read_number(const Value& value, const Range<Number>& range);

bool read_bool(const Value& value);
std::string read_text(const Value& value);
/// Absolute and without "." and ".."; nothing or an empty text is the empty path.
std::filesystem::path read_path(const Value& value);
/// A list of paths or globs, or one alone; absolute.
std::vector<std::string> read_patterns(const Value& value);
/// "1GiB", "512 MiB", "1.5GB" or a number of bytes.
int64_t read_bytes(const Value& value);
/// [r, g, b] or "#rrggbb".
std::array<int, 3> read_color(const Value& value);

/// The shortest text that `read_bytes` gives back as the same.
std::string bytes_text(int64_t bytes);
std::string color_text(const std::array<int, 3>& color);

}  // namespace untiled
