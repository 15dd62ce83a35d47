#include "data/tissue/vertex_rings.h"

#include <algorithm>
#include <cstddef>

namespace untiled {
namespace {

/// Whether a ring goes round a point.
bool goes_round(const VertexRing& ring, const Vertex& point) {
  int winding = 0;
  Vertex a = ring.back();
  for (const Vertex& b : ring) {
    if ((a.y <= point.y) != (b.y <= point.y)) {
      const double x = a.x + (point.y - a.y) / (b.y - a.y) * (b.x - a.x);
      if (x > point.x) winding += a.y < b.y ? 1 : -1;
    }
    a = b;
  }
  return winding != 0;
}

/// The square of a point's distance from the line between two others.
double squared_distance(const Vertex& point, const Vertex& a, const Vertex& b) {
  const Vertex along = {b.x - a.x, b.y - a.y};
  const double length = along.x * along.x + along.y * along.y;
  const double dot = (point.x - a.x) * along.x + (point.y - a.y) * along.y;
  const double part = length > 0 ? std::clamp(dot / length, 0.0, 1.0) : 0.0;
  const double x = point.x - a.x - part * along.x;
  const double y = point.y - a.y - part * along.y;
  return x * x + y * y;
}

/// Whether a corner of a ring, of many as many as are looked at, lies more than a pixel within an
/// outline: parts that touch each other reach no further.
bool reaches_into(const VertexRing& ring, const VertexRing& outline) {
  constexpr size_t kMostCorners = 256;
  const size_t step = ring.size() / kMostCorners + 1;
  for (size_t i = 0; i < ring.size(); i += step) {
    if (!goes_round(outline, ring[i])) continue;
    bool near = false;
    Vertex a = outline.back();
    for (const Vertex& b : outline) {
      near = near || squared_distance(ring[i], a, b) <= 1;
      a = b;
    }
    if (!near) return true;
  }
  return false;
}

}  // namespace

Box box_of(const VertexRing& ring) {
  Box box{ring.front(), ring.front()};
  for (const Vertex& vertex : ring) {
    box.least = {std::min(box.least.x, vertex.x), std::min(box.least.y, vertex.y)};
    box.most = {std::max(box.most.x, vertex.x), std::max(box.most.y, vertex.y)};
  }
  return box;
}

bool are_apart(const Box& a, const Box& b) {
  return a.most.x <= b.least.x || b.most.x <= a.least.x || a.most.y <= b.least.y ||
         b.most.y <= a.least.y;
}

bool lies_beside(const VertexRing& ring, const VertexRing& outline) {
  if (are_apart(box_of(ring), box_of(outline))) return true;
  // A corner may lie on the outline, where neither side is right: the most of three decide.
  int inside = 0;
  for (size_t third = 0; third < 3 && inside < 2; ++third) {
    if (goes_round(outline, ring[third * (ring.size() / 3)])) ++inside;
  }
  return inside < 2 && !reaches_into(ring, outline);
}

}  // namespace untiled
