// Comma-separated values as RFC 4180 has them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace untiled {

struct CsvRow {
  int line = 0;  ///< Of the file, from 1, where the row starts.
  std::vector<std::string> fields;
};

/// All rows of a file, the header included, blank lines not. Quoted fields may hold commas, quotes
/// (doubled) and line ends; a byte order mark and CRLF are understood; space around an unquoted
/// field is dropped. Throws DataError naming file and line.
std::vector<CsvRow> read_csv(const std::filesystem::path& file);

}  // namespace untiled
