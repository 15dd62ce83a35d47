// Runs a classifier of whole slides, a tensor at a time and tile by tile, with the result of
// whole-image computation: batch norm's statistics are those of all pixels of all slides of a step.
//
// A tile's value, and a tile's gradient, is a function of what is stored around it: it is pulled
// from those who read the tensor, so every pixel has one author and no addition an order. All sums
// over pixels are exact sums of tiles' float64 or float32 partials (lib/ranks/exact_sum.h), so no
// number of workers or ranks and no order shows in a bit. What is stored when is the schedule's
// business (layered_schedule.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/layered/layered_schedule.h"
#include "lib/layered/slide_loss.h"
#include "lib/ranks/group.h"
#include "lib/streaming/context.h"

namespace untiled {

/// Whether norms take the statistics of the step's pixels, or the running ones as constants.
enum class Statistics { kOfStep, kRunning };

struct LayeredOptions {
  at::ScalarType dtype = at::kFloat;
  int64_t tile = 512;  ///< See Partition.
  int workers = 1;     ///< Threads; results do not depend on it.
  /// Convolutions have row kernels of their own where those cover them, in float32; else
  /// LibTorch's.
  bool uses_row_kernels = true;
  bool recomputes_blocks = false;
  std::vector<LayerId> spilled;               ///< Stored in files; bits do not depend on it.
  std::filesystem::path scratch;              ///< The folder of these files.
  std::shared_ptr<StreamingContext> context;  ///< Null: the executor has its own.
};

/// What each rank has of some slides: by slide and rank, perhaps nothing.
using SlideParts = std::vector<std::vector<Region>>;

/// One slide of a step or of a prediction.
struct LabelledSlide {
  const PixelSource* pixels = nullptr;  ///< RGB.
  int64_t label = 0;                    ///< Of no account for a prediction.
  /// What each rank has of it, which do not overlap and are all of it: see Partition.
  std::vector<Region> own_pixels;
};

/// Of one norm over all pixels of a step: mean, and variance with N, not N - 1.
struct NormStatistics {
  std::vector<double> mean;
  std::vector<double> variance;
  int64_t count = 0;  ///< Pixels.
};

struct LayeredStep {
  double loss = 0.0;
  std::vector<std::vector<double>> logits;  ///< By slide.
  std::vector<at::Tensor> gradients;        ///< float64, in the order of the graph's parameters.
  std::vector<NormStatistics> statistics;   ///< By norm; empty with running statistics.
};

/// Values of a slide's last tensor before the mean, of one tile: [1, channels, rows, cols], not to
/// be kept.
using FeatureWork = std::function<void(size_t slide, const Region&, const at::Tensor&)>;

class LayeredExecutor {
 public:
  /// Keeps a reference to `graph`. Throws ConfigError for a graph that is no such classifier.
  LayeredExecutor(const Graph& graph, LayeredOptions options);

  /// Loss and gradients. `parameters` in the graph's order; `running` gives mean and variance of
  /// each norm, used where `statistics` are the running ones. A collective call of `ranks`. Throws
  /// ConfigError where a norm sees one pixel in all, Interrupted. Where a sum is not finite,
  /// results are NaN.
  LayeredStep step(const std::vector<at::Tensor>& parameters,
                   const std::vector<NormStatistics>& running, Statistics statistics,
                   const std::vector<LabelledSlide>& slides, const SlideLoss& loss,
                   Group& ranks) const;

  /// Logits by slide, with running statistics. `features` (may be empty) is called for this rank's
  /// tiles of the last tensor, by any worker. A collective call of `ranks`; all get all logits.
  std::vector<std::vector<double>> predict(const std::vector<at::Tensor>& parameters,
                                           const std::vector<NormStatistics>& running,
                                           const std::vector<LabelledSlide>& slides,
                                           const FeatureWork& features, Group& ranks) const;

  /// The most bytes that tensors of slides of these sizes take in a step, or in a prediction, on
  /// the rank that has most.
  StoredBytes stored_bytes(const std::vector<Extent>& slides, const SlideParts& parts,
                           LayeredPurpose purpose) const;

 private:
  const Graph& graph_;
  LayeredOptions options_;
  Program program_;
};

}  // namespace untiled
