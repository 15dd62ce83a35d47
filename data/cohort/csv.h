// Comma-separated values as RFC 4180 has them, and as spreadsheets save them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace untiled {

struct CsvRow {
  int line = 0;  ///< Of the file, from 1, where the row starts.
  std::vector<std::string> fields;
};

/// All rows of a file, the header included, blank lines and rows of empty fields not. Quoted fields
/// may hold separators, quotes (doubled) and line ends; a byte order mark, LF, CRLF and a lone CR,
/// and a first line "sep=;" are understood; space around an unquoted field is dropped. The
/// separator is a comma, or in a file whose first line has none a semicolon or a tabulator, as
/// spreadsheets write them where the comma is the decimal sign. Throws DataError naming file and
/// line, and for UTF-16.
std::vector<CsvRow> read_csv(const std::filesystem::path& file);

}  // namespace untiled
