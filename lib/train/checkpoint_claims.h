// What a checkpoint may say of itself, whoever wrote it.
#pragma once

#include "lib/train/checkpoint.h"
#include "lib/train/classifier_checkpoint.h"

namespace untiled {

/// Throws DataError naming the first claim that no run could have written: an unknown architecture,
/// or a number outside the range of its setting. Looks at the claims alone, before anything is made
/// from them.
void require_sound_claims(const CheckpointInfo& info);
void require_sound_claims(const ClassifierInfo& info);

}  // namespace untiled
