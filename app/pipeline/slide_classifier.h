// The classifier of whole slides that settings describe, ready to run within a budget.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/config/settings.h"
#include "app/pipeline/slide_parts.h"
#include "lib/layered/layered_executor.h"
#include "lib/layered/partition.h"
#include "lib/streaming/parameters.h"

namespace untiled {

/// Parameters and running statistics of a classifier.
struct ClassifierWeights {
  NamedTensors parameters;
  NamedTensors statistics;  ///< See initial_running_statistics.
};

/// How a step or a prediction is run.
struct ClassifierPlan {
  int workers = 1;
  bool recomputes_blocks = false;
  std::vector<LayerId> spilled;  ///< Tensors that are kept in run.scratch.
  int64_t spilled_bytes = 0;     ///< Of them at once.
  int64_t stored_bytes = 0;
  int64_t working_bytes = 0;  ///< Of the workers' tiles and of sums.

  int64_t bytes() const { return stored_bytes + working_bytes; }
};

class SlideClassifier {
 public:
  /// Throws ConfigError where the settings ask for a device other than the CPU.
  explicit SlideClassifier(const Settings& settings);
  SlideClassifier(const SlideClassifier&) = delete;
  SlideClassifier& operator=(const SlideClassifier&) = delete;

  const Graph& graph() const { return graph_; }
  at::ScalarType dtype() const { return dtype_; }
  int64_t tile() const;
  /// What computes its convolutions: fused (row kernels of lib/layered, where they cover them) or
  /// libtorch.
  std::string kernels() const;
  TileLattice lattice() const { return lattice_of(graph_, tile()); }

  /// How the settings spread so many ranks over the slides of a step or of a prediction. Throws
  /// ConfigError where they are for another number of ranks.
  RankSpread spread(const std::vector<Extent>& slides, int ranks) const {
    return choose_spread(settings_.ranks, ranks, slides, graph_, lattice());
  }
  /// What each of them then has.
  SlideParts parts(const std::vector<Extent>& slides, int ranks) const {
    return slide_parts(slides, spread(slides, ranks), lattice());
  }

  /// To begin with, in the computation's type: model.init, else drawn from the seed. Throws
  /// DataError for a file that does not fit.
  ClassifierWeights initial_weights() const;

  /// The fastest way that fits into each rank's budget beside `fixed_bytes`, where the slides are
  /// spread over `ranks` of them. What is stored does not depend on the threads that a rank has.
  /// Throws ConfigError with the least budget that works.
  ClassifierPlan plan(const std::vector<Extent>& slides, LayeredPurpose purpose,
                      int64_t fixed_bytes, int ranks = 1) const;
  /// Of the slides from `first` on how many are best predicted together by so many ranks: up to one
  /// a rank, while they fit into the budget; at least one.
  size_t predicted_together(const std::vector<Extent>& slides, size_t first, int64_t fixed_bytes,
                            int ranks) const;

  /// From now on forgotten tensors' memory is kept for others as far as this plan goes.
  LayeredExecutor executor(const ClassifierPlan& plan) const;
  /// What of it nobody uses at the moment.
  int64_t kept_bytes() const { return context_->pages->idle_bytes(); }

  /// Logits of some slides, spread over `ranks`. `features`: see LayeredExecutor. A collective
  /// call; throws what reading throws.
  std::vector<std::vector<double>> predict(const ClassifierPlan& plan,
                                           const ClassifierWeights& weights,
                                           const std::vector<const PixelSource*>& slides,
                                           const FeatureWork& features, Group& ranks) const;
  SlideLoss loss() const { return {settings_.data.label_weights}; }
  /// What norms take in training.
  Statistics statistics() const;

 private:
  LayeredOptions options(const ClassifierPlan& plan) const;
  int64_t largest_tile_values(const std::vector<Extent>& slides) const;
  ClassifierPlan estimate(const std::vector<Extent>& slides, LayeredPurpose purpose, int ranks,
                          ClassifierPlan plan) const;
  std::vector<ClassifierPlan> choices() const;
  std::vector<LayerId> stored_layers() const;

  Settings settings_;
  Graph graph_;
  at::ScalarType dtype_;
  std::shared_ptr<StreamingContext> context_;
};

}  // namespace untiled
