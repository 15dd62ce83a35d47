// Polygons of the pixels of a mask, traced row by row.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/output/mask_rows.h"

namespace untiled {

/// A corner of pixels: column and row, from the image's corner.
struct PixelCorner {
  int32_t x = 0;
  int32_t y = 0;
  friend constexpr bool operator==(const PixelCorner&, const PixelCorner&) = default;
};

/// A closed ring; the first corner is not repeated. No corner occurs twice.
using Ring = std::vector<PixelCorner>;

/// Rings of pixels' edges, a few bytes a ring: a mask may have millions.
class RingList {
 public:
  /// Sides along x and y must take turns.
  void add(const Ring& ring);
  void add(const RingList& other);
  /// Hands out each ring in turn.
  void for_each(const std::function<void(const Ring&)>& use) const;

  int64_t rings() const { return rings_; }
  int64_t corners() const { return corners_; }
  /// Equal lists have equal bytes.
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  int64_t rings_ = 0;
  int64_t corners_ = 0;
};

/// One 4-connected piece. The exterior is counterclockwise in the axes x and y (as RFC 7946 has it;
/// clockwise on a screen, where y points down); holes turn the other way. Rings may touch at
/// corners, and never cross.
struct PixelPolygon {
  Ring exterior;
  RingList holes;
  int64_t pixels = 0;
};

/// Where a row of pixels enters and leaves the foreground, in turn: [0] <= x < [1] is inside.
using RowEdges = std::vector<int32_t>;

/// The edges of the pixels of class `label`.
RowEdges edges_of(const MaskRow& row, uint8_t label);

/// Traces the borders of a mask while its rows come in and hands out every piece when its last row
/// has passed, in an order that depends on the mask alone. Holds the borders of the pieces that
/// are not finished. One thread.
class ContourTracer {
 public:
  using Sink = std::function<void(const PixelPolygon&)>;

  explicit ContourTracer(Sink sink);
  ~ContourTracer();
  ContourTracer(const ContourTracer&) = delete;
  ContourTracer& operator=(const ContourTracer&) = delete;

  /// The next row, from the top down.
  void add_row(const RowEdges& edges);
  /// After the last row.
  void finish() { add_row({}); }

 private:
  class Borders;
  class Pieces;
  Sink sink_;
  std::unique_ptr<Pieces> pieces_;
  std::unique_ptr<Borders> borders_;
};

}  // namespace untiled
