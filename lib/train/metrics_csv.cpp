#include "lib/train/metrics_csv.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>

#include "lib/core/atomic_file.h"
#include "lib/core/csv_cell.h"
#include "lib/core/error.h"
#include "lib/core/number.h"

namespace untiled {
namespace {

std::string line_of(const std::vector<std::string>& fields) {
  std::vector<std::string> safe;
  for (const std::string& field : fields) safe.push_back(csv_cell(field));
  return fmt::format("{}\n", fmt::join(safe, ","));
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
  return fields;
}

double number_in(const std::string& field, const std::filesystem::path& path) {
  if (const auto number = parse_number<double>(field)) return *number;
  throw DataError(fmt::format("{} has \"{}\" where a number was expected", path.string(), field));
}

}  // namespace

CsvFile::CsvFile(const std::filesystem::path& path, int64_t keep_bytes,
                 const std::vector<std::string>& columns)
    : file_(path, keep_bytes) {
  if (keep_bytes == 0) append(columns);
}

void CsvFile::append(const std::vector<std::string>& fields) { file_.append(line_of(fields)); }

std::string exact(double value) {
  if (std::isnan(value)) return "nan";
  std::array<char, 32> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

std::vector<std::string> metrics_columns(const std::vector<std::string>& class_names) {
  std::vector<std::string> columns = {
      "step", "loss", "learning_rate", "gradient_norm", "validation_loss", "validation_dice"};
  if (class_names.size() < 2) return columns;
  for (const std::string& name : class_names) columns.push_back("validation_dice_" + name);
  return columns;
}

std::vector<std::string> metrics_fields(const MetricsRow& row, size_t classes) {
  std::vector<std::string> fields = {std::to_string(row.step), exact(row.loss),
                                     exact(row.learning_rate), exact(row.gradient_norm)};
  const size_t class_columns = classes < 2 ? 0 : classes;
  if (!row.validation) {
    fields.resize(fields.size() + 2 + class_columns);
    return fields;
  }
  fields.push_back(exact(row.validation->loss));
  fields.push_back(exact(row.validation->dice));
  for (size_t c = 0; c < class_columns; ++c) {
    fields.push_back(exact(row.validation->class_dice.at(c)));
  }
  return fields;
}

std::vector<std::string> timings_columns(const std::vector<std::string>& parts) {
  std::vector<std::string> columns = {"step",         "pixels",         "decodes",
                                      "step_seconds", "update_seconds", "validation_seconds"};
  for (const std::string& part : parts) columns.push_back(part + "_seconds");
  return columns;
}

std::vector<std::string> timings_fields(const TimingsRow& row) {
  const auto seconds = [](double value) { return fmt::format("{:.6f}", value); };
  std::vector<std::string> fields = {std::to_string(row.step),    std::to_string(row.pixels),
                                     exact(row.decodes),          seconds(row.step_seconds),
                                     seconds(row.update_seconds), seconds(row.validation_seconds)};
  for (const double part : row.part_seconds) fields.push_back(seconds(part));
  return fields;
}

std::vector<double> read_column(const std::filesystem::path& path, std::string_view column) {
  std::istringstream stream(read_file(path));
  std::string line;
  std::getline(stream, line);
  const std::vector<std::string> header = split(line);
  const auto found = std::find(header.begin(), header.end(), column);
  if (found == header.end()) {
    throw DataError(fmt::format("{} has no column \"{}\"", path.string(), column));
  }
  const auto index = static_cast<size_t>(found - header.begin());
  std::vector<double> values;
  while (std::getline(stream, line)) {
    const std::vector<std::string> fields = split(line);
    values.push_back(number_in(index < fields.size() ? fields[index] : "", path));
  }
  return values;
}

}  // namespace untiled
