// Closed rings of corners, and where they lie to each other.
#pragma once

#include <vector>

namespace untiled {

/// In level-0 pixels of the slide's frame.
struct Vertex {
  double x = 0;
  double y = 0;
};

using VertexRing = std::vector<Vertex>;

struct Box {
  Vertex least;
  Vertex most;
};

/// Of a ring with at least one corner.
Box box_of(const VertexRing& ring);

/// Whether two boxes have no area in common.
bool are_apart(const Box& a, const Box& b);

/// Whether a ring that follows `outline` in one polygon lies beside it, as of writers who put
/// several parts into one, rather than being its hole. One that reaches over the outline is a hole,
/// whichever way it goes round.
bool lies_beside(const VertexRing& ring, const VertexRing& outline);

}  // namespace untiled
