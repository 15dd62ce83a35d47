// Which rank owns which tiles of a slide.
//
// A grid of ranks cuts the slide's pixels along rows of tiles of the logits and along columns of
// them. A tile of any segment belongs to the rank in whose cell its first pixel lies, so that every
// tile has one owner, whatever the cuts; a cell may be empty.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/plan/tiling.h"

namespace untiled {

/// Ranks below each other and side by side.
struct RankGrid {
  int rows = 1;
  int cols = 1;

  int count() const { return rows * cols; }
  friend bool operator==(const RankGrid&, const RankGrid&) = default;
};

/// How a slide is to be cut.
struct RankLayout {
  enum class Kind { kAuto, kRows, kColumns, kGrid };
  Kind kind = Kind::kAuto;
  RankGrid grid;  ///< Of kGrid.
};

/// "auto", "rows", "columns" or "2x3" (rows x columns of ranks). Throws ConfigError.
RankLayout parse_rank_layout(const std::string& text);

/// How far beyond a border of its share a rank computes at most, in pixels: half a receptive field,
/// and the largest tile of any segment, of which no part can be left out.
Extent rank_reach(const Graph& graph, const Plan& plan, const Extent& pixels);

/// The grid of so many ranks. Of rows and columns, kAuto takes those for which what is computed
/// twice is the smaller part of a rank's share: tiles of the logits within `reach` of its border.
/// One rank is a grid of its own whatever the layout; else a grid with another number of ranks
/// throws ConfigError.
RankGrid choose_rank_grid(const RankLayout& layout, int ranks, const Extent& pixels,
                          const Extent& tile, const Extent& reach);

/// The cell of each rank in pixels, rank by rank in row-major order of the grid. Cuts are put so
/// that cells of a row or a column have as nearly as many of the `wanted` tiles of the logits.
std::vector<Region> rank_cells(const RankGrid& grid, const Extent& pixels, const Extent& tile,
                               const std::vector<bool>& wanted);

/// Whether a tile of a layer of this stride belongs to a cell.
bool owns(const Region& cell, const Tile& tile, int64_t stride);

}  // namespace untiled
