// Cells of Markdown tables.
#pragma once

#include <algorithm>
#include <string>

namespace untiled {

/// Text that stays inside its cell.
inline std::string table_cell(std::string text) {
  std::replace(text.begin(), text.end(), '|', '/');
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace untiled
