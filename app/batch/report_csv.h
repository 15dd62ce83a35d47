// report.csv and timings.csv: RFC 4180, UTF-8, decimal points.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/batch/slide_report.h"

namespace untiled {

/// Seconds by part, in the order in which they were spent.
using PartSeconds = std::vector<std::pair<std::string, double>>;

/// What was done for one slide of this run.
struct SlideTiming {
  std::string slide_id;
  std::string action;  ///< "computed" or "reused" (by an earlier run or another process).
  PartSeconds seconds;
};

/// One row a report; lists are joined with "; ". Where a slide has scores, the last column is its
/// Dice. Repeats byte for byte.
std::string report_csv(const std::vector<SlideReport>& reports);

/// slide_id, action, part, seconds: a row a part, and one of part "total" for each slide.
std::string timings_csv(const std::vector<SlideTiming>& timings);

}  // namespace untiled
