// The order in which a step computes, uses again and forgets whole-slide tensors: a list of tasks
// that the executor plays and the planner adds up. No tensors.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/layered/program.h"

namespace untiled {

enum class Act {
  kValues,       ///< A tensor's values, tile by tile, with the moments that its norm asks for.
  kMoments,      ///< Those moments alone, of a tensor that is not stored.
  kValuesAgain,  ///< Values that were forgotten, once more.
  kHead,         ///< Pooled features, logits, loss and its gradient.
  kGradient,     ///< The gradient of a tensor, and the sums that its norm's gradient asks for.
  kWeights,      ///< The gradient of a convolution's weights.
  kForgetValues,
  kForgetGradient,
};

struct LayeredTask {
  Act act;
  LayerId layer = kNoLayer;
};

enum class LayeredPurpose { kTraining, kPrediction };

/// `recomputes_blocks`: tensors inside a block are forgotten and made again on the way back.
std::vector<LayeredTask> make_layered_schedule(const Program& program, LayeredPurpose purpose,
                                               bool recomputes_blocks);

/// The most that is stored at once.
struct StoredBytes {
  int64_t in_memory = 0;
  int64_t in_files = 0;
};

/// Of slides of the given layers' sizes; values and gradients of the layers `spilled` are in files.
StoredBytes peak_stored_bytes(const Graph& graph, const std::vector<LayeredTask>& schedule,
                              const std::vector<std::vector<Extent>>& slides, int64_t element_bytes,
                              const Program& program, const std::vector<LayerId>& spilled);

}  // namespace untiled
