// Losses as functions of sums over pixels (DESIGN.md, section 3): w a pixel's weight (its class's
// weight, 0 where the label is kIgnoredLabel), y its label, p the probability:
//   BCE / cross-entropy = sum(w l) / sum(w)
//   Dice = mean over classes of 1 - (2 sum(w p y) + 1) / (sum(w p) + sum(w y) + 1)
// A zero weight sum gives loss and gradient 0.
#pragma once

#include <memory>
#include <vector>

#include "lib/core/class_settings.h"
#include "lib/streaming/loss.h"
#include "lib/streaming/loss_kind.h"

namespace untiled {

/// Weights by label as `classes` say; for one named class, label 0 (the rest) has 1.
std::vector<double> class_weights(const std::vector<ClassSettings>& classes);

/// The loss `kind` for logits of `channels` channels: 1 is a sigmoid for labels 0 and 1, more are
/// a softmax for labels 0 ... channels - 1. `class_weights` is by label and may be empty (all 1).
/// A tile's sums are float64, float32 where the device has none.
std::unique_ptr<PixelLoss> make_loss(LossKind kind, int64_t channels,
                                     std::vector<double> class_weights, bool has_float64 = true);

}  // namespace untiled
