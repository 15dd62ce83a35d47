// Settings as flat text, for comparing and hashing.
#pragma once

#include <map>
#include <string>

#include "app/config/settings.h"

namespace untiled {

/// Every setting by its full key, "train.steps" -> "200"; lists and maps as YAML on one line.
std::map<std::string, std::string> flatten(const Settings& settings);

}  // namespace untiled
