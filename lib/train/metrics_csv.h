// The run's tables. metrics.csv and validation.csv hold no times, so that they repeat bit for bit;
// timings.csv holds the times. Numbers are the shortest that read back as the same double.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/train/append_file.h"

namespace untiled {

/// A comma-separated file (RFC 4180, "\n") with one header line. Each row is handed to the system
/// at once.
class CsvFile {
 public:
  /// `keep_bytes` as AppendFile's; an empty file gets the header. Throws DataError.
  CsvFile(const std::filesystem::path& path, int64_t keep_bytes,
          const std::vector<std::string>& columns);

  void append(const std::vector<std::string>& fields);
  void sync() const { file_.sync(); }
  int64_t size_bytes() const { return file_.size_bytes(); }

 private:
  AppendFile file_;
};

/// The shortest text that reads back as `value`; "nan" where undefined.
std::string exact(double value);

/// One validation in numbers; NaN where undefined.
struct ValidationMetrics {
  double loss = 0.0;
  double dice = 0.0;
  std::vector<double> class_dice;  ///< One a class.
};

struct MetricsRow {
  int64_t step = 0;  ///< From 1.
  double loss = 0.0;
  double learning_rate = 0.0;
  double gradient_norm = 0.0;                   ///< Before clipping.
  std::optional<ValidationMetrics> validation;  ///< Empty fields where the step had none.
};

/// step, loss, learning_rate, gradient_norm, validation_loss, validation_dice and, for more than
/// one class, validation_dice_<class> each.
std::vector<std::string> metrics_columns(const std::vector<std::string>& class_names);
std::vector<std::string> metrics_fields(const MetricsRow& row, size_t classes);

struct TimingsRow {
  int64_t step = 0;
  int64_t pixels = 0;
  double decodes = 0.0;       ///< Decoded pixels over those that the step needed.
  double step_seconds = 0.0;  ///< From the first read to updated weights.
  double update_seconds = 0.0;
  double validation_seconds = 0.0;
  std::vector<double> part_seconds;  ///< In the order of the columns' parts.
};

/// step, pixels, decodes, step_seconds, update_seconds, validation_seconds and <part>_seconds each.
std::vector<std::string> timings_columns(const std::vector<std::string>& parts);
std::vector<std::string> timings_fields(const TimingsRow& row);

/// One column of a table, which may not hold quoted fields before it. Throws DataError when the
/// file lacks the column or a field is no number.
std::vector<double> read_column(const std::filesystem::path& path, std::string_view column);

}  // namespace untiled
