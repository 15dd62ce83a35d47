#include "lib/core/number.h"

#include <fast_float/fast_float.h>

#include <charconv>
#include <cmath>
#include <system_error>
#include <type_traits>

namespace untiled {
namespace {

template <typename Number>
std::optional<Number> parse_whole(std::string_view text, int base) {
  const char* end = text.data() + text.size();
  Number number = 0;
  const auto result = std::from_chars(text.data(), end, number, base);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

/// By fast_float, since std::from_chars reads no double in libc++ before its version 20.
std::optional<double> parse_real(std::string_view text) {
  const char* end = text.data() + text.size();
  double number = 0;
  const auto result = fast_float::from_chars(text.data(), end, number);
  if (result.ec == std::errc::invalid_argument || result.ptr != end) return std::nullopt;
  // Some versions report what is out of range, and some only return its limit.
  const bool has_digits = text.find_first_of("0123456789") != std::string_view::npos;
  if (std::isinf(number) && has_digits) return std::nullopt;
  return number;
}

}  // namespace

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  if constexpr (std::is_floating_point_v<Number>) {
    return parse_real(text);
  } else {
    constexpr int kDecimal = 10;
    return parse_whole<Number>(text, kDecimal);
  }
}

template std::optional<int> parse_number(std::string_view);
template std::optional<int64_t> parse_number(std::string_view);
template std::optional<uint64_t> parse_number(std::string_view);
template std::optional<double> parse_number(std::string_view);

std::optional<uint32_t> parse_hex(std::string_view text) {
  constexpr int kHex = 16;
  return parse_whole<uint32_t>(text, kHex);
}

}  // namespace untiled
