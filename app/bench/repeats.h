// What repeats of one measurement say.
#pragma once

#include <vector>

namespace untiled {

/// The largest deviation between repeats, of their median. Throws InternalError without any.
double spread(const std::vector<double>& seconds);

}  // namespace untiled
