#include "app/commands/work_identity.h"

#include <algorithm>

#include "app/config/flatten.h"
#include "lib/core/hasher.h"

namespace untiled {

std::map<std::string, std::string> settings_identity(const Settings& settings,
                                                     const std::vector<std::string>& keys) {
  std::map<std::string, std::string> parts;
  for (const auto& setting : flatten(settings)) {
    const bool counts = std::any_of(keys.begin(), keys.end(), [&](const std::string& start) {
      return setting.first.starts_with(start);
    });
    if (counts) parts.insert(setting);
  }
  return parts;
}

std::string identity_hash(const std::map<std::string, std::string>& identity) {
  Hasher hasher;
  for (const auto& [key, value] : identity) {
    hasher.add_text(key);
    hasher.add_text(value);
  }
  return hasher.hex();
}

}  // namespace untiled
