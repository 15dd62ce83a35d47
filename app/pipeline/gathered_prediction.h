// A prediction of one slide that ranks share and that one of them writes.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/ranks/group.h"
#include "lib/streaming/executor.h"

namespace untiled {

/// How ranks are to be laid out for it: beside each other, so that each has its part of every row
/// of tiles and rank 0, which takes them in order, keeps nobody waiting.
inline constexpr RankLayout kGatheredLayout = {RankLayout::Kind::kColumns, {}};

/// What a rank holds at most of its own tiles that rank 0 has not taken yet, of a slide of this
/// size; `planes`: of probabilities.
int64_t gathering_bytes(const Extent& pixels, int64_t planes, int ranks);

/// Predicts `image` with an executor of these ranks. Rank 0's `work` gets the tiles of all of them,
/// as Executor::predict gives them: its own from the workers' threads, those of others in their
/// turn; other ranks' `work` is not used. `planes` of probabilities come with each tile. Tiles
/// travel as they are computed; each rank is ahead of rank 0 by a row of its tiles at most.
/// A collective call. Where one rank's reading, or rank 0's work, throws, it throws there alone;
/// the others return early, as though all were well: see Together.
void predict_gathered(const Executor& executor, const std::vector<at::Tensor>& parameters,
                      const PixelSource& image, const PredictionRequest& request, int64_t planes,
                      Group& ranks, const PredictionWork& work);

}  // namespace untiled
