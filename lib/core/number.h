// The one way from text to a number: for settings, flags, manifests, tables and what slides say.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace untiled {

/// The whole of `text` as a decimal number, the same in every locale; nothing where it is empty,
/// has anything beside the number (spaces and a plus are too much) or is beyond the type's range. A
/// double takes "inf" and "nan" too, and what is too small for one is 0. Number is int, int64_t,
/// uint64_t or double.
template <typename Number>
std::optional<Number> parse_number(std::string_view text);

/// The whole of `text` as hexadecimal digits, of either case and without "0x", or nothing.
std::optional<uint32_t> parse_hex(std::string_view text);

}  // namespace untiled
