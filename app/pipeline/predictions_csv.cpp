#include "app/pipeline/predictions_csv.h"

#include "lib/train/metrics_csv.h"

namespace untiled {
namespace {

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

std::string line(const std::vector<std::string>& fields) {
  std::string text;
  for (const std::string& field : fields) text += (text.empty() ? "" : ",") + quoted(field);
  return text + "\n";
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
