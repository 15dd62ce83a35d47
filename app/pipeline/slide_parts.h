// How slides are shared out to ranks.
#pragma once

#include <cstdint>
#include <vector>

#include "app/config/settings.h"
#include "lib/layered/layered_executor.h"
#include "lib/layered/partition.h"
#include "lib/plan/rank_layout.h"

namespace untiled {

/// Teams of ranks, each with slides of its own that its ranks cut as a grid.
struct RankSpread {
  RankGrid grid;  ///< Of a team.
  int teams = 1;

  int ranks() const { return teams * grid.count(); }
};

/// Parts of each slide, cut between cells (see SlideCells), so that tiles do not depend on the
/// ranks. The slides of a team count as though they lay below each other, and each row of its grid
/// gets about as many of all their pixels: of one slide its part, of many small ones some whole
/// ones. The ranks of a row lie beside each other, but where a slide has too few columns of cells
/// for that to be even: there as many of them as can, and the others below.
SlideParts slide_parts(const std::vector<Extent>& slides, const RankSpread& spread,
                       const TileLattice& lattice);

/// Of the pixels of all slides, those of the rank with most.
int64_t most_pixels(const SlideParts& parts);

/// The most columns of ranks that any slide is cut in.
int64_t most_columns(const SlideParts& parts);

/// The teams and grids of so many ranks that settings ask for. Throws ConfigError where they are
/// for another number of ranks.
RankSpread choose_spread(const RankSettings& wish, int ranks, const std::vector<Extent>& slides,
                         const Graph& graph, const TileLattice& lattice);

}  // namespace untiled
