// The CUDA devices of ranks: which of a machine's is whose, and how their sums travel.
#pragma once

#include <string>

#include "app/config/settings.h"
#include "app/pipeline/engine.h"
#include "lib/ranks/nccl/link_choice.h"

namespace untiled {

/// The settings with this rank's device: ranks of one machine take its CUDA devices in turn, unless
/// `device` names one. A collective call.
Settings with_own_device(Settings settings, Group& ranks);

/// As ranks.device_sums says; several ranks. A collective call. Throws ConfigError.
LinkChoice choose_rank_sums(const Settings& settings, const DeviceChoice& device, Group& ranks);

/// What that would be for so many ranks like this one, for people.
std::string expected_rank_sums(const Settings& settings, const DeviceChoice& device, int ranks);

}  // namespace untiled
