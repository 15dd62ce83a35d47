#include "lib/train/resume_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// Complete keys, or beginnings that end with a dot.
constexpr auto kChangeable = std::to_array<std::string_view>(
    {"data.cache", "data.queue", "data.workers", "device", "memory_budget", "profile", "ranks.",
     "run.", "streaming.store", "threads", "train.steps", "train.checkpoint_every",
     "train.validate_every"});

std::string value_of(const SettingsMap& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? "absent" : found->second;
}

}  // namespace

bool may_change_on_resume(std::string_view key) {
  return std::any_of(kChangeable.begin(), kChangeable.end(), [&](std::string_view allowed) {
    return allowed.ends_with('.') ? key.starts_with(allowed) : key == allowed;
  });
}

void check_resume(const std::filesystem::path& folder, const SettingsMap& before,
                  const RecordedSettings& now) {
  std::set<std::string> keys;
  for (const SettingsMap* settings : {&before, &now.values}) {
    for (const auto& [key, value] : *settings) keys.insert(key);
  }
  for (const std::string& key : now.withheld) keys.erase(key);
  for (const std::string& key : keys) {
    const std::string old_value = value_of(before, key);
    const std::string new_value = value_of(now.values, key);
    if (old_value == new_value || may_change_on_resume(key)) continue;
    throw ConfigError(fmt::format(
        "cannot resume {}: {} was {} and is now {}; put it back or train in another run.folder",
        folder.string(), key, old_value, new_value));
  }
}

}  // namespace untiled
