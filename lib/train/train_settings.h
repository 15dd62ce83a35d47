// Options of the training loop, the optimiser and the learning rate.
#pragma once

#include <cstdint>

#include "lib/streaming/loss_kind.h"

namespace untiled {

enum class OptimizerKind { kAdam, kAdamW, kSgd };
enum class ScheduleKind { kConstant, kCosine, kOneCycle };

struct OptimizerSettings {
  OptimizerKind kind = OptimizerKind::kAdam;
  double learning_rate = 1e-3;  ///< The peak rate of a schedule.
  double weight_decay = 0.0;
  double momentum = 0.9;  ///< SGD only.
  double beta1 = 0.9;     ///< Adam and AdamW.
  double beta2 = 0.999;   ///< Adam and AdamW.
  double epsilon = 1e-8;  ///< Adam and AdamW.
};

struct ScheduleSettings {
  ScheduleKind kind = ScheduleKind::kConstant;
  double warmup_fraction = 0.3;  ///< one_cycle and cosine: part of the steps that the rate rises.
  double final_fraction = 1e-3;  ///< Last rate over the peak rate.
};

struct TrainSettings {
  int64_t steps = 200;
  LossKind loss = LossKind::kBceDice;
  OptimizerSettings optimizer;
  ScheduleSettings schedule;
  double clip_norm = 0.0;         ///< Largest gradient norm; 0: no clipping.
  int accumulate = 1;             ///< Slides a step; their gradients are averaged.
  int batch = 1;                  ///< ResNet: slides a step, normalised together.
  int64_t validate_every = 20;    ///< Steps between validations; 0: only at the end.
  int64_t checkpoint_every = 20;  ///< Steps between checkpoints; the last step always has one.
  double threshold = 0.5;         ///< Probability from which a pixel counts, one class only.
};

}  // namespace untiled
