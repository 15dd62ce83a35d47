// A segment is the piece of the network between stored whole-slide tensors and one more: the
// stored layers cut the graph, and each cut layer (and the logits) is the target of one segment.
#pragma once

#include <vector>

#include "lib/network/graph.h"

namespace untiled {

struct Segment {
  LayerId target = kPixelLayer;
  std::vector<LayerId> layers;  ///< Computed inside a tile, in order; the last is the target.
  std::vector<LayerId>
      inputs;  ///< Read from stored tensors or, for the pixel layer, from the slide.

  bool reads(LayerId id) const;
  bool reads_pixels() const { return reads(kPixelLayer); }
};

/// The segments that compute each stored layer and the logits, in order of computation.
std::vector<Segment> cut_segments(const Graph& graph, const std::vector<LayerId>& stored);

/// Which region of each layer a tile needs; index: LayerId, empty for layers outside the segment.
using TileRegions = std::vector<Region>;

/// Regions that computing `out` of the segment's target takes, clipped to the layers' extents:
/// the hull over all consumers inside the segment.
TileRegions tile_regions(const Graph& graph, const Segment& segment,
                         const std::vector<Extent>& extents, const Region& out);

}  // namespace untiled
