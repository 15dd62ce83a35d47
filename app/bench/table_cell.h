// Text of files on Markdown pages and in the cells of their tables.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "lib/core/printable.h"

namespace untiled {

/// One line that is no markup: without control characters, and with no tag that a page would obey.
inline std::string page_text(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) out += c == '<' ? "&lt;" : std::string(1, c);
  return out;
}

/// Text that stays inside its cell.
inline std::string table_cell(std::string_view text) {
  std::string cell = page_text(text);
  std::replace(cell.begin(), cell.end(), '|', '/');
  return cell;
}

}  // namespace untiled
