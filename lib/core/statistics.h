// Summaries of numbers.
#pragma once

#include <vector>

namespace untiled {

/// The middle value, the mean of both middle ones for an even count; NaN of nothing.
double median(std::vector<double> values);

}  // namespace untiled
