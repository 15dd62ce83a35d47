// Rows of spots that lie side by side.
#pragma once

#include <cstddef>
#include <vector>

namespace untiled {

/// Rows of spots side by side, which may be a side of a frame: where they lie across themselves,
/// and from where to where they go.
struct SpotBand {
  double low = 0;
  double high = 0;
  double from = 0;
  double to = 0;
  size_t spots = 0;
  double step = 0;  ///< From spot to spot.
  bool begins_on_glass = false;
  bool ends_on_glass = false;  ///< And not where tissue hides the rest.

  /// Of several rows: an edge looks like a single one.
  bool is_deep() const {
    constexpr double kNextRow = 0.6;  // Steps.
    return high - low > kNextRow * step;
  }
};

/// A place along the rows and across them.
struct SpotPlace {
  double along = 0;
  double across = 0;
  double in_row = 0;  ///< How many lie in one row with it.
};

/// The bands among places, with less than a gap between their rows, along sides of a length in a
/// picture of a depth across them.
std::vector<SpotBand> bands_of(const std::vector<SpotPlace>& places, double step, double gap,
                               double length, double depth);

}  // namespace untiled
