// The losses that a network may be trained with.
#pragma once

namespace untiled {

/// kCrossEntropy is of whole slides alone, kBce of pixels or of whole slides.
enum class LossKind { kBce, kDice, kBceDice, kCrossEntropy };

}  // namespace untiled
