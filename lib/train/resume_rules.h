// The settings of a run as its folder keeps them, and which of them may differ when it is resumed.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace untiled {

/// Settings as flat text, "train.loss" -> "bce+dice".
using SettingsMap = std::map<std::string, std::string>;

/// The settings of a run as whoever knows them writes them down; the loop itself needs few of them.
struct RecordedSettings {
  SettingsMap values;                 ///< For the run's state, its hashes and its resumption.
  std::string yaml;                   ///< For settings.yaml.
  std::vector<std::string> withheld;  ///< Keys whose values are not told, for they name files.
};

/// True for settings that say how long, where and with what means to train, not what is trained.
bool may_change_on_resume(std::string_view key);

/// Whether the settings that name slides, and nothing else, are the same texts; the slides may be
/// known by their content where they are not.
bool names_same_slides(const SettingsMap& before, const RecordedSettings& now);

/// Whether a run's slides, as contents_of tells them, are not those that it began with, or in
/// another order or split. Known where names of files are withheld, and the run kept its slides:
/// elsewhere their names and settings tell.
bool are_other_slides(const std::vector<std::string>& before, const std::vector<std::string>& now,
                      const RecordedSettings& settings);

/// Throws ConfigError naming the first other setting that differs, with both values. Slides that
/// are known to be the same by their content may lie elsewhere now. Of keys that are withheld now
/// nothing is known: what they name is compared by its content elsewhere.
void check_resume(const std::filesystem::path& folder, const SettingsMap& before,
                  const RecordedSettings& now, bool has_same_slides = false);

}  // namespace untiled
