// predictions.csv: what a classifier said of slides.
#pragma once

#include <string>
#include <vector>

namespace untiled {

struct SlidePredictionRow {
  std::string slide_id;
  std::string label;
  std::vector<double> probabilities;  ///< By class.
};

/// RFC 4180: slide_id, label, and for each class probability_<class>, each number the shortest text
/// that reads back as the same.
std::string predictions_csv(const std::vector<std::string>& labels,
                            const std::vector<SlidePredictionRow>& rows);

}  // namespace untiled
