// How slides are shared out to ranks.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/layered/layered_executor.h"
#include "lib/layered/partition.h"

namespace untiled {

/// Rows of each slide, cut between bands (see Partition), so that tiles do not depend on the number
/// of ranks. The slides count as though they lay below each other, and each
/// rank gets about as many of all their pixels: of one slide its part, of many small ones some
/// whole ones.
SlideParts slide_parts(const std::vector<Extent>& slides, int ranks, const TileLattice& lattice);

}  // namespace untiled
