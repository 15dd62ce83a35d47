// plan for classifiers of whole slides: what a step stores and takes.
#pragma once

#include <string>

#include "app/config/settings.h"

namespace untiled {

/// For train.batch slides of `size`, or where it is empty for the largest of the settings' slides,
/// spread over `ranks`. The exit code; throws ConfigError where a step does not fit.
int plan_classifier(const Settings& settings, const std::string& size, int ranks, bool json);

}  // namespace untiled
