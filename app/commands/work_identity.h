// What decides the outputs of a batch beside slide and model.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/config/settings.h"

namespace untiled {

/// The settings whose keys begin with one of `keys`, by key.
std::map<std::string, std::string> settings_identity(const Settings& settings,
                                                     const std::vector<std::string>& keys);

/// 32 hex digits of keys and values.
std::string identity_hash(const std::map<std::string, std::string>& identity);

}  // namespace untiled
