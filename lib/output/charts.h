// Line and bar charts as pictures.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lib/output/preview.h"

namespace untiled {

/// Points from left to right; those whose y is not finite are left out.
struct Curve {
  std::string name;
  PictureColor color = {0, 0, 0};
  std::vector<double> x;
  std::vector<double> y;  ///< As many as x.
};

struct Chart {
  std::string title;
  std::vector<Curve> curves;
};

/// The charts below one another at a width of 900 pixels, each with its title, its curves' names in
/// their colours, one range of x for all, and axes that begin and end at round numbers.
Picture draw_charts(std::span<const Chart> charts);

/// A horizontal bar from 0.
struct Bar {
  std::string name;
  PictureColor color = {0, 0, 0};
  double value = 0;  ///< Not below 0.
};

/// The bars below one another, each under its name and with its value at its end.
Picture draw_bars(const std::string& title, std::span<const Bar> bars);

}  // namespace untiled
