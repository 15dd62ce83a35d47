#include "data/cohort/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

constexpr std::string_view kNoBreakSpace = "\xC2\xA0";  ///< As web pages and mails have it.

/// Excel's "Unicode text" has two bytes a letter, of which one is 0 in what a manifest begins with.
/// Elsewhere a byte 0 would end a path for the system, and name another file.
void require_bytes(std::string_view text, const std::string& file) {
  const std::string_view start = text.substr(0, 4);
  const bool is_utf16 = start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF") ||
                        start.find('\0') != std::string_view::npos;
  if (is_utf16) {
    throw DataError(
        fmt::format("{}: is UTF-16 text, where UTF-8 is read; save it as 'CSV UTF-8'", file));
  }
  const size_t zero = text.find('\0');
  if (zero == std::string_view::npos) return;
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(zero), '\n');
  throw DataError(fmt::format("{}:{}: expected text, found a byte 0; save it again as 'CSV UTF-8'",
                              file, line));
}

/// Which of the separators comes first on the first line; a comma where there is none.
char separator_of(std::string_view text) {
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  bool quoted = false;
  char found = ',';
  for (const char letter : line) {
    if (letter == '"') quoted = !quoted;
    if (quoted) continue;
    if (letter == ',') return ',';
    if (found == ',' && (letter == ';' || letter == '\t')) found = letter;
  }
  return found;
}

class Parser {
 public:
  Parser(std::string_view text, std::string file) : rest_(text), file_(std::move(file)) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
    if (!take_separator()) separator_ = separator_of(rest_);
  }

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> rows;
    while (!rest_.empty()) {
      CsvRow row = next_row();
      const bool blank = std::all_of(row.fields.begin(), row.fields.end(),
                                     [](const std::string& field) { return field.empty(); });
      if (!blank) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  /// Excel's first line "sep=;".
  bool take_separator() {
    constexpr std::string_view kStart = "sep=";
    constexpr std::string_view kEnds = "\r\n";
    const bool is_there = rest_.size() > kStart.size() + 1 && rest_.starts_with(kStart) &&
                          kEnds.find(rest_[kStart.size() + 1]) != std::string_view::npos;
    if (!is_there) return false;
    separator_ = rest_[kStart.size()];
    rest_.remove_prefix(kStart.size() + 1);
    take_line_end();
    return true;
  }

  CsvRow next_row() {
    CsvRow row{line_, {next_field()}};
    while (take(separator_)) row.fields.push_back(next_field());
    if (!take_line_end() && !rest_.empty()) fail("expected a comma after the closing quote");
    return row;
  }

  bool take_line_end() {
    const bool carriage_return = take('\r');
    const bool ends = take('\n') || carriage_return;
    if (ends) ++line_;
    return ends;
  }

  std::string next_field() {
    skip_spaces();
    if (!take('"')) return plain_field();
    std::string field = quoted_field();
    skip_spaces();
    return field;
  }

  std::string plain_field() {
    const std::array<char, 3> ends = {separator_, '\r', '\n'};
    const size_t end = std::min(rest_.find_first_of(ends.data(), 0, ends.size()), rest_.size());
    std::string_view field = rest_.substr(0, end);
    rest_.remove_prefix(end);
    while (field.ends_with(' ') || field.ends_with('\t') || field.ends_with(kNoBreakSpace)) {
      field.remove_suffix(field.ends_with(kNoBreakSpace) ? kNoBreakSpace.size() : 1);
    }
    return std::string(field);
  }

  /// What stands between quotes; the opening one was taken.
  std::string quoted_field() {
    std::string field;
    const int first_line = line_;
    while (true) {
      const size_t quote = rest_.find('"');
      if (quote == std::string_view::npos) {
        line_ = first_line;
        fail("a quoted field has no closing quote");
      }
      append(field, rest_.substr(0, quote));
      rest_.remove_prefix(quote + 1);
      if (!take('"')) return field;
      field += '"';
    }
  }

  void append(std::string& field, std::string_view part) {
    for (size_t i = 0; i < part.size(); ++i) {
      const bool goes_on = part[i] == '\r' && i + 1 < part.size() && part[i + 1] == '\n';
      if ((part[i] == '\n' || part[i] == '\r') && !goes_on) ++line_;
    }
    field += part;
  }

  void skip_spaces() {
    while (take(' ') || take(kNoBreakSpace) || (separator_ != '\t' && take('\t'))) {
    }
  }

  bool take(char letter) { return take(std::string_view(&letter, 1)); }
  bool take(std::string_view letters) {
    if (!rest_.starts_with(letters)) return false;
    rest_.remove_prefix(letters.size());
    return true;
  }

  [[noreturn]] void fail(std::string_view message) const {
    throw DataError(fmt::format("{}:{}: {}", file_, line_, message));
  }

  std::string_view rest_;
  std::string file_;
  char separator_ = ',';
  int line_ = 1;
};

}  // namespace

std::vector<CsvRow> read_csv(const std::filesystem::path& file) {
  const std::string text = read_file(file);
  require_bytes(text, file.string());
  if (!is_utf8(text)) {
    warn(
        fmt::format("{}: is no UTF-8 text (Latin-1 or Windows-1252, perhaps): names with letters "
                    "beyond ASCII may not be found; save it as 'CSV UTF-8'",
                    file.string()));
  }
  return Parser(text, file.string()).rows();
}

}  // namespace untiled
