// A streamed step of a slide classifier compared with plain autograd over whole slides.
#pragma once

#include <optional>

#include "app/config/settings.h"
#include "app/pipeline/verified_step.h"
#include "lib/ranks/group.h"

namespace untiled {

/// Of train.batch slides, the first of the input's size and the others smaller. Rank 0 compares;
/// none on the others. A collective call. Throws ConfigError, DataError, Interrupted.
std::optional<VerifiedStep> verify_classifier(const Settings& settings, const VerifiedInput& input,
                                              Group& ranks);

}  // namespace untiled
