// Cells of the CSV files that are written here.
#pragma once

#include <string>
#include <string_view>

namespace untiled {

/// A cell as RFC 4180 has it, of printable text. What a spreadsheet would take for a formula (text,
/// not numbers, that begins with =, +, -, @, a tabulator or a line end) gets an apostrophe before
/// it.
std::string csv_cell(std::string_view text);

}  // namespace untiled
