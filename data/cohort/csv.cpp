#include "data/cohort/csv.h"

#include <fmt/format.h>

#include <string_view>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

class Parser {
 public:
  Parser(std::string_view text, std::string file) : rest_(text), file_(std::move(file)) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> rows;
    while (!rest_.empty()) {
      CsvRow row = next_row();
      const bool blank = row.fields.size() == 1 && row.fields[0].empty();
      if (!blank) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  CsvRow next_row() {
    CsvRow row{line_, {next_field()}};
    while (take(',')) row.fields.push_back(next_field());
    take('\r');
    if (!take('\n') && !rest_.empty()) fail("expected a comma after the closing quote");
    ++line_;
    return row;
  }

  std::string next_field() {
    skip_spaces();
    if (!take('"')) return plain_field();
    std::string field = quoted_field();
    skip_spaces();
    return field;
  }

  std::string plain_field() {
    const size_t end = std::min(rest_.find_first_of(",\n"), rest_.size());
    std::string_view field = rest_.substr(0, end);
    rest_.remove_prefix(end);
    while (!field.empty() &&
           (field.back() == ' ' || field.back() == '\t' || field.back() == '\r')) {
      field.remove_suffix(1);
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
    for (const char letter : part) line_ += letter == '\n' ? 1 : 0;
    field += part;
  }

  void skip_spaces() {
    while (take(' ') || take('\t')) {
    }
  }

  bool take(char letter) {
    if (!rest_.starts_with(letter)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  [[noreturn]] void fail(std::string_view message) const {
    throw DataError(fmt::format("{}:{}: {}", file_, line_, message));
  }

  std::string_view rest_;
  std::string file_;
  int line_ = 1;
};

}  // namespace

std::vector<CsvRow> read_csv(const std::filesystem::path& file) {
  const std::string text = read_file(file);
  return Parser(text, file.string()).rows();
}

}  // namespace untiled
