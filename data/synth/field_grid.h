// Smooth functions over a slide, cheap enough for every pixel and exact as functions.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/core/region.h"

namespace untiled {

/// The nodes of a lattice of `step` pixels (a power of two, at most 32), anchored at the slide's
/// origin, that surround a region.
struct NodeLattice {
  NodeLattice(const Region& region, int64_t step);

  /// Position in pixels of node `index`, row by row.
  int64_t row_of(size_t index) const {
    return (nodes.rows.begin + static_cast<int64_t>(index) / nodes.cols.size()) * step;
  }
  int64_t col_of(size_t index) const {
    return (nodes.cols.begin + static_cast<int64_t>(index) % nodes.cols.size()) * step;
  }
  size_t count() const { return static_cast<size_t>(nodes.area()); }

  int64_t step;
  Region nodes;  ///< In units of `step`.
};

/// A function that is given at a lattice's nodes and bilinear between them. In integers, so that a
/// pixel's value does not depend on the region, and never beyond the nodes around it.
class FieldGrid {
 public:
  /// One value a node, at most 2^15 in size.
  FieldGrid(const NodeLattice& lattice, std::vector<int32_t> values);

  int32_t least() const { return least_; }
  int32_t most() const { return most_; }
  /// Whether it may be positive at some pixels and not at others.
  bool mixed() const { return least_ <= 0 && most_ > 0; }
  /// Values times step^2 at pixels of one row.
  std::vector<int32_t> row(int64_t row, const Interval& cols) const;

 private:
  NodeLattice lattice_;
  std::vector<int32_t> values_;
  int32_t least_;
  int32_t most_;
};

}  // namespace untiled
