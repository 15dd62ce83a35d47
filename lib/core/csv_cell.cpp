#include "lib/core/csv_cell.h"

#include "lib/core/number.h"
#include "lib/core/printable.h"

namespace untiled {
namespace {

bool looks_like_formula(std::string_view text) {
  constexpr std::string_view kStarts = "=+-@\t\r\n";
  return !text.empty() && kStarts.find(text.front()) != std::string_view::npos &&
         !parse_number<double>(text.starts_with('+') ? text.substr(1) : text);
}

}  // namespace

std::string csv_cell(std::string_view text) {
  std::string cell = looks_like_formula(text) ? "'" : "";
  cell += printable(text);
  if (cell.find_first_of(",\"") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace untiled
