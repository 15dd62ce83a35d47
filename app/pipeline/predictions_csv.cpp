#include "app/pipeline/predictions_csv.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/core/csv_cell.h"
#include "lib/train/metrics_csv.h"

namespace untiled {
namespace {

std::string line(const std::vector<std::string>& fields) {
  std::vector<std::string> cells;
  cells.reserve(fields.size());
  for (const std::string& field : fields) cells.push_back(csv_cell(field));
  return fmt::format("{}\n", fmt::join(cells, ","));
}

}  // namespace

std::string predictions_csv(const std::vector<std::string>& labels,
                            const std::vector<SlidePredictionRow>& rows) {
  std::vector<std::string> header = {"slide_id", "label"};
  for (const std::string& label : labels) header.push_back("probability_" + label);
  std::string csv = line(header);
  for (const SlidePredictionRow& row : rows) {
    std::vector<std::string> fields = {row.slide_id, row.label};
    for (const double p : row.probabilities) fields.push_back(exact(p));
    csv += line(fields);
  }
  return csv;
}

}  // namespace untiled
