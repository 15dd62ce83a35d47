// Runs a network over a whole slide, tile by tile, with the result of whole-image computation.
//
// Forward: for each segment, for each tile of its output: crop the inputs, compute, store.
// Backward, in reverse: recompute the tile, take gradients with respect to crops and parameters,
// add crop gradients into the stored gradient (halos overlap), sum parameter gradients
// exactly. The last segment runs forward, loss and backward at once. In which order the tiles
// of all segments run is the schedule's business (lib/plan/schedule.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/plan/tiling.h"
#include "lib/streaming/executor_options.h"
#include "lib/streaming/kernel.h"
#include "lib/streaming/loss.h"
#include "lib/streaming/parameters.h"
#include "lib/streaming/slide_run.h"

namespace untiled {

struct StepResult {
  double loss = 0.0;
  LossSums sums;
  std::vector<at::Tensor> gradients;  ///< float64, CPU, in the order of the graph's parameters.
  int64_t tiles_skipped = 0;          ///< Tiles of the last segment that no weighted pixel needs.
  /// By task ("encoder2.refine forward", "reading"): what threads spent, over their number, so that
  /// the parts of a step add up to its time.
  std::map<std::string, double> seconds;
  double reads_per_pixel = 0.0;  ///< Pixels read over those that any tile needs.
};

/// A tile of the grid and the rank that has it.
struct OwnedTile {
  Region region;
  int rank = 0;
};

/// What is done with one tile of logits [1, classes, rows, cols] on the CPU: called on a worker's
/// thread, returns what to do in the order of the tiles, one at a time.
using LogitsWork = std::function<std::function<void()>(const Region&, const at::Tensor&)>;

/// Predictions of one tile. Pixels without data have class kIgnoredLabel and probability 0.
struct PredictedTile {
  Region region;
  TilePrediction prediction;
  Bytes labels;  ///< Where labels were given; kIgnoredLabel where there is no data.
};
using PredictionWork = std::function<std::function<void()>(PredictedTile)>;

class Executor {
 public:
  /// Keeps references to `graph` and `kernel`.
  Executor(const Graph& graph, Plan plan, const SegmentKernel& kernel, ExecutorOptions options);

  /// Loss and gradients over one slide. `image` is its pixels, RGB; `labels` has its extent, one
  /// channel: class indices, kIgnoredLabel for weight 0 (missing pixels get it too). Tiles that no
  /// weighted pixel can reach are skipped; their gradient is exactly zero.
  StepResult step(const std::vector<at::Tensor>& parameters, const PixelSource& image,
                  const PixelSource& labels, const PixelLoss& loss) const;

  /// Logits of the whole slide, tile by tile of the grid; of several ranks those of this one's
  /// tiles, and in `predict` too.
  void forward(const std::vector<at::Tensor>& parameters, const PixelSource& image,
               const LogitsWork& work) const;

  /// Predictions for the whole slide, tile by tile of the grid. `labels` may be null where
  /// no loss is wanted.
  void predict(const std::vector<at::Tensor>& parameters, const PixelSource& image,
               const PredictionRequest& request, const PixelSource* labels,
               const PredictionWork& work) const;

  /// The tiles of a prediction of a slide of this size, in their order.
  std::vector<OwnedTile> predicted_tiles(const Extent& pixels) const;

 private:
  SlideRun begin(const std::vector<at::Tensor>& parameters, const PixelSource& image,
                 Purpose purpose) const;

  const Graph& graph_;
  Plan plan_;
  const SegmentKernel& kernel_;
  ExecutorOptions options_;
};

}  // namespace untiled
