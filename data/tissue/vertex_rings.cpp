#include "data/tissue/vertex_rings.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace untiled {
namespace {

/// Twice the area that a ring goes round, with a sign that says which way.
double turned_area(const VertexRing& ring) {
  double sum = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Vertex& a = ring[i];
    const Vertex& b = ring[(i + 1) % ring.size()];
    sum += (a.x - ring.front().x) * (b.y - ring.front().y) -
           (b.x - ring.front().x) * (a.y - ring.front().y);
  }
  return sum;
}

/// Whether a ring goes round a point.
bool goes_round(const VertexRing& ring, const Vertex& point) {
  int winding = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Vertex& a = ring[i];
    const Vertex& b = ring[(i + 1) % ring.size()];
    if ((a.y <= point.y) == (b.y <= point.y)) continue;
    const double x = a.x + (point.y - a.y) / (b.y - a.y) * (b.x - a.x);
    if (x > point.x) winding += a.y < b.y ? 1 : -1;
  }
  return winding != 0;
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
  if ((turned_area(ring) < 0) != (turned_area(outline) < 0)) return false;
  // A corner may lie on the outline, where neither side is right: the most of three decide.
  const size_t third = ring.size() / 3;
  const std::array<Vertex, 3> corners = {ring.front(), ring[third], ring[2 * third]};
  return std::count_if(corners.begin(), corners.end(),
                       [&](const Vertex& corner) { return goes_round(outline, corner); }) < 2;
}

}  // namespace untiled
