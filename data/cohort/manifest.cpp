#include "data/cohort/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "data/cohort/csv.h"
#include "data/cohort/glob.h"
#include "data/cohort/slide_identity.h"
#include "data/slide/file_kind.h"
#include "data/slide/number.h"
#include "lib/core/error.h"
#include "lib/core/lower_case.h"
#include "lib/core/number.h"
#include "lib/core/progress.h"
#include "lib/core/without_slash.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

template <typename Number>
std::optional<Number> parse(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return parse_number<Number>(text);
}

/// The letters that a URL writes as % and two digits.
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto code = text[i] == '%' && i + 2 < text.size() ? parse_hex(text.substr(i + 1, 2))
                                                            : std::optional<uint32_t>();
    out += code ? static_cast<char>(*code) : text[i];
    if (code) i += 2;
  }
  return out;
}

/// The path in the address of a file ("file:///slides/a.tif"), and any other address as it is;
/// nothing of what is none.
std::optional<fs::path> path_of_url(std::string_view text) {
  constexpr std::string_view kFile = "file:/";
  constexpr std::string_view kHere = "//localhost/";
  if (is_address(text) && !text.starts_with(kFile)) return fs::path(text);
  if (!text.starts_with(kFile)) return std::nullopt;
  text.remove_prefix(kFile.size() - 1);
  if (text.starts_with(kHere)) text.remove_prefix(kHere.size() - 1);
  return fs::path(unescaped(text)).lexically_normal();
}

/// A row whose cells are found by the names of their columns.
class Row {
 public:
  Row(const fs::path& file, const std::map<std::string, size_t>& columns, CsvRow row)
      : file_(file), columns_(columns), row_(std::move(row)) {}

  /// Without space at its ends, which quotes may hold; empty where the manifest has no such column.
  std::string cell(const std::string& column) const {
    const auto found = columns_.find(column);
    return found == columns_.end() ? "" : std::string(trimmed(row_.fields[found->second]));
  }

  DataError error(std::string_view message) const {
    return DataError(fmt::format("{}:{}: {}", file_.string(), row_.line, message));
  }

  DataError refused(const std::string& column, std::string_view expected) const {
    return error(fmt::format("{}: expected {}, found '{}'", column, expected, cell(column)));
  }

  fs::path existing(const std::string& column, const fs::path& path) const {
    std::error_code none;
    if (!fs::exists(path, none)) {
      throw error(fmt::format("{}: {} does not exist: {}", column, path.string(),
                              advice_for_missing(path)));
    }
    return path;
  }

  /// Of a cell that holds one. Where no file is called so, spaces at its ends are none of the name,
  /// and backslashes are those of a manifest that Windows wrote.
  fs::path resolve(const std::string& column) const {
    const fs::path folder = fs::absolute(file_).parent_path();
    const std::string& all = row_.fields[columns_.at(column)];
    std::error_code none;
    const std::string text = fs::exists(folder / all, none) ? all : cell(column);
    if (const auto path = path_of_url(text)) return *path;
    fs::path path = without_slash((folder / text).lexically_normal());
    if (text.find('\\') == std::string::npos || fs::exists(path, none)) return path;
    std::string slashed = text;
    std::replace(slashed.begin(), slashed.end(), '\\', '/');
    const fs::path here = without_slash((folder / slashed).lexically_normal());
    return fs::exists(here.parent_path(), none) ? here : path;
  }

  /// A cell's number with a decimal point, for which much of Europe has a comma.
  std::string number(const std::string& column) const {
    std::string text = cell(column);
    std::replace(text.begin(), text.end(), ',', '.');
    return text;
  }

  int line() const { return row_.line; }

 private:
  const fs::path& file_;
  const std::map<std::string, size_t>& columns_;
  CsvRow row_;
};

constexpr std::array kSlideColumns = {"slide", "wsi", "slide_id"};

/// Splits, patients and masks in columns of other names would be left out in silence, and slides of
/// a test trained on.
void tell_unread(const fs::path& file, const CsvRow& header) {
  constexpr std::array kRead = {"slide", "wsi",     "slide_id", "mask", "split",
                                "group", "case_id", "label",    "mpp",  "region"};
  constexpr size_t kMost = 8;
  std::vector<std::string> unread;
  std::copy_if(header.fields.begin(), header.fields.end(), std::back_inserter(unread),
               [&](const std::string& name) {
                 const bool is_read =
                     std::find(kRead.begin(), kRead.end(), lower_case(name)) != kRead.end();
                 return !name.empty() && !is_read;
               });
  if (unread.empty()) return;
  const size_t more = unread.size() - std::min(unread.size(), kMost);
  unread.resize(unread.size() - more);
  note(
      fmt::format("{}: left out what is not read, {} {}{}; a manifest's columns are slide, mask, "
                  "split, group, mpp, region and label",
                  file.string(), unread.size() + more == 1 ? "column" : "columns",
                  fmt::join(unread, ", "), more > 0 ? fmt::format(" and {} more", more) : ""));
}

/// The columns by name; the slide's and the group's under their names here.
std::map<std::string, size_t> read_header(const fs::path& file, const CsvRow& header) {
  std::map<std::string, size_t> columns;
  for (size_t i = 0; i < header.fields.size(); ++i) {
    if (!columns.emplace(lower_case(header.fields[i]), i).second && !header.fields[i].empty()) {
      throw DataError(fmt::format("{}:{}: column {} is there twice", file.string(), header.line,
                                  header.fields[i]));
    }
  }
  const bool has_slides = std::any_of(kSlideColumns.begin(), kSlideColumns.end(),
                                      [&](const char* name) { return columns.contains(name); });
  if (!has_slides) {
    throw DataError(fmt::format("{}:{}: expected a header with a column slide, found '{}'",
                                file.string(), header.line, fmt::join(header.fields, ",")));
  }
  if (!columns.contains("group") && columns.contains("case_id")) {
    columns["group"] = columns["case_id"];
  }
  tell_unread(file, header);
  return columns;
}

/// What may follow a slide_id, the likelier first: images beside a slide are often its thumbnails.
constexpr std::array<std::string_view, 14> kSlideEndings = {
    ".svs", ".tif", ".tiff", ".ome.tif", ".ome.tiff", ".ndpi",    ".mrxs",
    ".scn", ".bif", ".vms",  ".vmu",     ".dcm",      ".svslide", ".czi"};
constexpr std::array<std::string_view, 3> kImageEndings = {".png", ".jpg", ".jpeg"};

/// The names in folders, each folder listed once: a manifest has thousands of rows.
class FolderNames {
 public:
  /// The regular files of a folder whose names go on with a dot after `start`, sorted; none where
  /// the folder cannot be read.
  std::vector<fs::path> files_that_start(const fs::path& folder, const std::string& start) {
    const std::set<std::string>& names = in(folder);
    const std::string first = start + ".";
    std::vector<fs::path> files;
    for (auto name = names.lower_bound(first); name != names.end() && name->starts_with(first);
         ++name) {
      std::error_code none;
      if (fs::is_regular_file(folder / *name, none)) files.push_back(folder / *name);
    }
    return files;
  }

 private:
  const std::set<std::string>& in(const fs::path& folder) {
    const auto [found, is_new] = names_.try_emplace(folder);
    if (!is_new) return found->second;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      found->second.insert(it->path().filename().string());
    }
    return found->second;
  }

  std::map<fs::path, std::set<std::string>> names_;
};

std::vector<fs::path> with_endings(const std::vector<fs::path>& files, const fs::path& start,
                                   std::span<const std::string_view> endings) {
  std::vector<fs::path> chosen;
  std::copy_if(files.begin(), files.end(), std::back_inserter(chosen), [&](const fs::path& file) {
    const std::string ending = lower_case(file.string().substr(start.string().size()));
    return std::find(endings.begin(), endings.end(), ending) != endings.end();
  });
  return chosen;
}

/// CLAM's slide_id is a file's name, often without its extension. A folder of that name may hold
/// the other files of a MIRAX slide, or a DICOM slide where no file is there.
fs::path complete(const Row& row, const fs::path& path, FolderNames& folders) {
  std::error_code none;
  if (fs::is_regular_file(path, none)) return path;
  const std::vector<fs::path> files =
      folders.files_that_start(path.parent_path(), path.filename().string());
  std::vector<fs::path> matches = with_endings(files, path, kSlideEndings);
  if (matches.empty()) matches = with_endings(files, path, kImageEndings);
  if (matches.empty() && !fs::exists(path, none)) matches = files;
  if (matches.size() > 1) {
    throw row.error(fmt::format("slide_id: {} may be {} or {}; give the extension", path.string(),
                                matches[0].filename().string(), matches[1].filename().string()));
  }
  return matches.empty() ? path : matches.front();
}

fs::path read_slide(const Row& row, MissingSlides missing, FolderNames& folders) {
  for (const char* column : kSlideColumns) {
    const std::string text = row.cell(column);
    if (text.empty()) continue;
    const fs::path path = row.resolve(column);
    const fs::path slide =
        std::string_view(column) == "slide_id" ? complete(row, path, folders) : path;
    return missing == MissingSlides::kKeep ? slide : row.existing(column, slide);
  }
  throw row.error("slide: expected a path, found nothing");
}

Split read_split(const Row& row) {
  const std::string text = lower_case(row.cell("split"));
  if (text.empty() || text == "train" || text == "training") return Split::kTraining;
  if (text == "val" || text == "valid" || text == "validation") return Split::kValidation;
  if (text == "test") return Split::kTest;
  throw row.refused("split", "train, val or test");
}

std::optional<double> read_mpp(const Row& row) {
  constexpr double kLeast = 0.01;
  constexpr double kMost = 100.0;
  if (row.cell("mpp").empty()) return std::nullopt;
  const auto mpp = parse<double>(row.number("mpp"));
  if (!mpp || !(*mpp >= kLeast && *mpp <= kMost)) {
    throw row.refused("mpp", "micrometres per pixel from 0.01 to 100");
  }
  return mpp;
}

/// Whole numbers from 0, between commas, also as Python writes lists of them and with an empty
/// fraction; nothing where one is none.
std::vector<int64_t> parse_list(std::string_view text) {
  constexpr double kMost = 0x1p40;
  const bool in_brackets = (text.starts_with('[') && text.ends_with(']')) ||
                           (text.starts_with('(') && text.ends_with(')'));
  if (in_brackets) text = text.substr(1, text.size() - 2);
  std::vector<int64_t> numbers;
  while (true) {
    const size_t comma = std::min(text.find(','), text.size());
    const auto number = parse<double>(text.substr(0, comma));
    if (!number || !(*number >= 0 && *number <= kMost) || *number != std::floor(*number)) return {};
    numbers.push_back(static_cast<int64_t>(*number));
    if (comma == text.size()) return numbers;
    text.remove_prefix(comma + 1);
  }
}

std::optional<Region> read_region(const Row& row) {
  const std::string text = row.cell("region");
  if (text.empty()) return std::nullopt;
  const std::vector<int64_t> numbers = parse_list(text);
  if (numbers.size() != 4 || numbers[2] == 0 || numbers[3] == 0) {
    throw row.refused("region", "\"x,y,width,height\" in whole pixels");
  }
  return Region{{numbers[1], numbers[1] + numbers[3]}, {numbers[0], numbers[0] + numbers[2]}};
}

CohortEntry read_entry(const Row& row, MissingSlides missing, FolderNames& folders) {
  CohortEntry entry;
  entry.path = read_slide(row, missing, folders);
  const std::string mask = row.cell("mask");
  if (!mask.empty()) entry.mask = row.existing("mask", row.resolve("mask"));
  entry.split = read_split(row);
  entry.group = row.cell("group");
  entry.label = row.cell("label");
  entry.mpp = read_mpp(row);
  entry.region = read_region(row);
  return entry;
}

/// Refuses what was seen before in another split: a patient must not be trained on and tested.
class SplitGuard {
 public:
  explicit SplitGuard(std::string kind) : kind_(std::move(kind)) {}

  void check(const std::string& name, Split split, const Row& row) {
    if (name.empty()) return;
    const auto [before, first] = seen_.emplace(name, std::pair(split, row.line()));
    if (first || before->second.first == split) return;
    throw row.error(
        fmt::format("{} {} is in two splits, see line {}", kind_, name, before->second.second));
  }

 private:
  std::string kind_;
  std::map<std::string, std::pair<Split, int>> seen_;
};

/// Finds slides that come by several names: links, and files of one DICOM slide. They may be meant,
/// so that this is a warning, one for all of them, rather of one that is in two splits.
class OtherNames {
 public:
  void add(const CohortEntry& entry, const Row& row) {
    const auto [before, is_new] =
        seen_.emplace(slide_identity(entry.path), Seen{entry.path, entry.split, row.line()});
    const Seen& first = before->second;
    if (is_new || first.path == entry.path) return;
    ++rows_;
    const bool is_split = first.split != entry.split;
    if (!example_.empty() && (in_two_splits_ || !is_split)) return;
    in_two_splits_ = is_split;
    example_ =
        fmt::format("{}: {} is the same slide as {} in line {}{}", row.line(), entry.path.string(),
                    first.path.string(), first.line, is_split ? ", which is in another split" : "");
  }
  void tell(const fs::path& manifest) const {
    if (rows_ == 0) return;
    warn(fmt::format("{}:{}{}", manifest.string(), example_,
                     rows_ == 1 ? "" : fmt::format("; {} rows name one again", rows_)));
  }

 private:
  struct Seen {
    fs::path path;
    Split split;
    int line;
  };

  std::map<std::string, Seen> seen_;
  std::string example_;
  bool in_two_splits_ = false;
  size_t rows_ = 0;
};

}  // namespace

std::vector<CohortEntry> read_manifest(const fs::path& file, MissingSlides missing) {
  const std::vector<CsvRow> rows = read_csv(file);
  if (rows.empty())
    throw DataError(file.string() + ": is empty; expected a header with a column slide");
  const auto columns = read_header(file, rows.front());
  if (rows.size() == 1) {
    throw DataError(file.string() + ": holds a header and no row; expected a row a slide");
  }
  SplitGuard slides("slide");
  SplitGuard groups("group");
  std::vector<CohortEntry> entries;
  std::set<EntryKey> seen;
  OtherNames others;
  FolderNames folders;
  for (auto csv_row = rows.begin() + 1; csv_row != rows.end(); ++csv_row) {
    const Row row(file, columns, *csv_row);
    if (csv_row->fields.size() != rows.front().fields.size()) {
      throw row.error(fmt::format("expected {} fields as in the header, found {}",
                                  rows.front().fields.size(), csv_row->fields.size()));
    }
    const CohortEntry entry = read_entry(row, missing, folders);
    slides.check(entry.path.string(), entry.split, row);
    groups.check(entry.group, entry.split, row);
    const bool is_new = seen.insert(key_of(entry)).second;
    if (!is_new) throw row.error(fmt::format("slide {} is given twice", entry.path.string()));
    others.add(entry, row);
    entries.push_back(entry);
  }
  others.tell(file);
  return entries;
}

}  // namespace untiled
