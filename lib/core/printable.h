// Text for terminals and pages, whatever files and their names hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace untiled {

/// The character that a text begins with.
struct Character {
  size_t length = 1;        ///< In bytes.
  uint32_t code = 0;        ///< Unicode's number; 0 where the bytes are no UTF-8.
  bool is_valid = true;     ///< Whether the bytes are UTF-8.
  bool is_control = false;  ///< C0, DEL and C1, line and paragraph separators, and directions.
};

/// Of a text that is not empty.
Character first_character(std::string_view text);

/// Where the first byte stands that is no UTF-8: the text's size where all of it is.
size_t valid_utf8_length(std::string_view text);

/// Whether all of a text is UTF-8.
bool is_utf8(std::string_view text);

/// One line of valid UTF-8: control characters and bytes that are none become '?'.
std::string printable(std::string_view text);

/// The same of a text of several lines: line ends and tabulators stay.
std::string printable_lines(std::string_view text);

/// A name as text: what printable would not keep becomes "%" and two hex digits a byte, so that
/// different names stay different.
std::string text_name(std::string_view name);

}  // namespace untiled
