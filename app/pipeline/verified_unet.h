// A streamed step of a U-Net compared with plain autograd over the whole image.
#pragma once

#include <optional>

#include "app/config/settings.h"
#include "app/pipeline/verified_step.h"
#include "lib/ranks/group.h"

namespace untiled {

/// Every layer is stored, so that the plan has the most halos, sums and borders inside the image.
/// Rank 0 compares; none on the others. A collective call. Throws ConfigError, DataError,
/// Interrupted.
std::optional<VerifiedStep> verify_unet(const Settings& settings, const VerifiedInput& input,
                                        Group& ranks);

}  // namespace untiled
