// Numbers as descriptions of images spell them.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "lib/core/number.h"

namespace untiled {

/// `text` without white space at its ends.
inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// The number that `text` is as a whole; space around it, a plus sign before it and one decimal
/// comma, which some locales write, are understood. Nothing for infinities and what is no number.
template <typename T>
std::optional<T> spelled_number(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  std::string digits(text);
  if constexpr (std::is_floating_point_v<T>) {
    const size_t comma = digits.find(',');
    if (comma != std::string::npos && digits.find('.') == std::string::npos) digits[comma] = '.';
  }
  const std::optional<T> value = parse_number<T>(digits);
  if constexpr (std::is_floating_point_v<T>) {
    if (value && !std::isfinite(*value)) return std::nullopt;
  }
  return value;
}

template <typename T, typename Text>
std::optional<T> spelled_number(const std::optional<Text>& text) {
  return text ? spelled_number<T>(std::string_view(*text)) : std::nullopt;
}

}  // namespace untiled
