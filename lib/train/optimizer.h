// Adam, AdamW and SGD of LibTorch, with a state that can be saved and restored bit for bit.
#pragma once

#include <memory>
#include <vector>

#include "lib/streaming/parameters.h"
#include "lib/train/gradients.h"
#include "lib/train/train_settings.h"

namespace torch::optim {
class Optimizer;
}

namespace untiled {

/// Updates a list of parameters in place. One thread at a time.
class Optimizer {
 public:
  /// Keeps references to `parameters` (CPU, float32 or float64, no autograd). Weights of `readers`
  /// are updated as if their pixels had the mean 0, the bias keeping what the layer gives for the
  /// mean pixel: without that, one step of Adam, which moves all weights of a channel alike, moves
  /// its output by the learning rate times the kernel's size times the mean, and channels die.
  /// The function that the parameters stand for is not touched.
  Optimizer(const OptimizerSettings& settings, NamedTensors parameters,
            std::vector<PixelReader> readers = {});
  ~Optimizer();
  Optimizer(Optimizer&&) noexcept;
  Optimizer& operator=(Optimizer&&) = delete;

  /// One update. `gradients`: float64 on the CPU, in the parameters' order and shapes.
  void step(const Gradients& gradients, double learning_rate);

  /// Copies of moments and step counts, as "<kind of moment>.<parameter>"; empty before the first
  /// step.
  NamedTensors state() const;
  /// Puts back what `state` gave. Throws DataError for a state of other parameters or another kind.
  void load_state(const NamedTensors& state);

 private:
  OptimizerKind kind_;
  NamedTensors parameters_;
  std::vector<PixelReader> readers_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

}  // namespace untiled
