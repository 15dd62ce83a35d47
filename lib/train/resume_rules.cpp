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

/// A manifest also names masks and classes, which another one may name otherwise.
constexpr auto kNamesOfSlides = std::to_array<std::string_view>({"data.slides", "data.validation"});

bool names_slides(std::string_view key) {
  return std::find(kNamesOfSlides.begin(), kNamesOfSlides.end(), key) != kNamesOfSlides.end();
}

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

bool names_same_slides(const SettingsMap& before, const RecordedSettings& now) {
  return std::all_of(kNamesOfSlides.begin(), kNamesOfSlides.end(), [&](std::string_view name) {
    const std::string key(name);
    const bool withheld =
        std::find(now.withheld.begin(), now.withheld.end(), key) != now.withheld.end();
    return withheld || value_of(before, key) == value_of(now.values, key);
  });
}

bool are_other_slides(const std::vector<std::string>& before, const std::vector<std::string>& now,
                      const RecordedSettings& settings) {
  return !settings.withheld.empty() && !before.empty() && before != now;
}

void check_resume(const std::filesystem::path& folder, const SettingsMap& before,
                  const RecordedSettings& now, bool has_same_slides) {
  std::set<std::string> keys;
  for (const SettingsMap* settings : {&before, &now.values}) {
    for (const auto& [key, value] : *settings) keys.insert(key);
  }
  for (const std::string& key : now.withheld) keys.erase(key);
  for (const std::string& key : keys) {
    const std::string old_value = value_of(before, key);
    const std::string new_value = value_of(now.values, key);
    const bool moved = has_same_slides && names_slides(key);
    if (old_value == new_value || moved || may_change_on_resume(key)) continue;
    throw ConfigError(fmt::format(
        "cannot resume {}: {} was {} and is now {}; put it back or train in another run.folder",
        folder.string(), key, old_value, new_value));
  }
}

}  // namespace untiled
