// Which settings may differ when a run is resumed.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace untiled {

/// Settings as flat text, "train.loss" -> "bce+dice".
using SettingsMap = std::map<std::string, std::string>;

/// True for settings that say how long, where and with what means to train, not what is trained.
bool may_change_on_resume(std::string_view key);

/// Throws ConfigError naming the first other setting that differs, with both values.
void check_resume(const std::filesystem::path& folder, const SettingsMap& before,
                  const SettingsMap& now);

}  // namespace untiled
