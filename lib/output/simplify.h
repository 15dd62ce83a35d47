// Polygons with fewer corners.
#pragma once

#include <memory>
#include <vector>

#include "lib/output/contours.h"

namespace untiled {

/// GEOS's topology-preserving simplification (Douglas and Peucker 1973): no corner is moved, what
/// is left out lay within `tolerance` pixels of the new border, no hole is lost, and the result is
/// valid by OGC's rules; where GEOS cannot keep to that, the polygon stays as it is. One thread.
class Simplifier {
 public:
  /// 0 changes nothing.
  explicit Simplifier(double tolerance);
  ~Simplifier();
  Simplifier(const Simplifier&) = delete;
  Simplifier& operator=(const Simplifier&) = delete;

  /// The rings, the exterior first; nothing where the polygon is to stay as it is, which very large
  /// ones do: GEOS takes the product of holes and corners.
  std::vector<Ring> operator()(const PixelPolygon& polygon) const;

 private:
  class Geos;
  double tolerance_;
  std::unique_ptr<Geos> geos_;
};

}  // namespace untiled
