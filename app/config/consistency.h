// Rules between settings that are each fine alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config/settings.h"

namespace untiled {

struct Inconsistency {
  std::string key;      ///< The setting to change: "data.ignore".
  std::string message;  ///< Follows the key: "255 is also the value of class tumour; ...".
};

/// The first rule that `settings` break.
std::optional<Inconsistency> find_inconsistency(const Settings& settings);

/// Keys of settings that are not the usual ones and change nothing: those of a ResNet where the
/// network is a U-Net.
std::vector<std::string> settings_without_effect(const Settings& settings);

/// That of them about data.decode: what a device decodes must be what the network sees.
std::optional<Inconsistency> find_decode_conflict(const Settings& settings);

}  // namespace untiled
