// Runs a network over a whole slide, tile by tile, with the result of whole-image computation.
//
// Forward: for each segment, for each tile of its output: crop the inputs, compute, store.
// Backward, in reverse: recompute the tile, take gradients with respect to crops and parameters,
// add crop gradients into the stored gradient (halos overlap), sum parameter gradients in float64
// in tile order. The last segment runs forward, loss and backward in one pass.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/streaming/context.h"
#include "lib/streaming/kernel.h"
#include "lib/streaming/loss.h"
#include "lib/streaming/parameters.h"
#include "lib/streaming/plan.h"
#include "lib/streaming/slide_store.h"

namespace untiled {

struct ExecutorOptions {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  bool has_float64 = true;          ///< The device can add in float64.
  int64_t max_dimension = 1 << 15;  ///< Of a stored block, see SlideStore.
  int workers = 1;                  ///< Tile workers; results do not depend on it.
  std::filesystem::path scratch;    ///< For the plan's spilled layers.
  /// Of `device`; null: the executor has its own.
  std::shared_ptr<StreamingContext> context;
  /// Called after each tile with the pixels it covers at the slide's resolution; any worker.
  std::function<void(int64_t)> on_pixels;
};

struct StepResult {
  double loss = 0.0;
  LossSums sums;
  std::vector<at::Tensor> gradients;  ///< float64, CPU, in the order of the graph's parameters.
  int64_t tiles_skipped = 0;          ///< Tiles of the last segment that no weighted pixel needs.
  std::map<std::string, double> seconds;  ///< By pass: "encoder2 forward", "loss", ...
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

  /// Loss and gradients over one slide. `labels` has the slide's extent, one channel: class
  /// indices, kIgnoredLabel for weight 0 (missing pixels get it too). Tiles that no weighted
  /// pixel can reach are skipped; their gradient is exactly zero.
  StepResult step(const std::vector<at::Tensor>& parameters, const PixelFeed& image,
                  const PixelSource& labels, const PixelLoss& loss) const;

  /// Logits of the whole slide, tile by tile of the grid.
  void forward(const std::vector<at::Tensor>& parameters, const PixelFeed& image,
               const LogitsWork& work) const;

  /// Predictions for the whole slide, tile by tile of the grid. `labels` may be null where
  /// no loss is wanted.
  void predict(const std::vector<at::Tensor>& parameters, const PixelFeed& image,
               const PredictionRequest& request, const PixelSource* labels,
               const PredictionWork& work) const;

 private:
  const Graph& graph_;
  Plan plan_;
  const SegmentKernel& kernel_;
  ExecutorOptions options_;
};

}  // namespace untiled
