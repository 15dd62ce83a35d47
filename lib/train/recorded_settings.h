// The settings of a run as its folder keeps them, and what of them a resumed run is held to.
#pragma once

#include <filesystem>

#include "lib/config/settings.h"
#include "lib/train/resume_rules.h"

namespace untiled {

/// With run.deidentify without any name of a file: names identify patients.
Settings shareable(Settings settings);

/// The settings as the run's state and hashes have them. JSON is UTF-8, file names need not be.
SettingsMap recorded(const Settings& settings);

/// Settings of a run so far against those of now. A state of before may name files that one of a
/// run without names does not; slides are compared by their fingerprints then. Throws ConfigError.
void check_settings(const std::filesystem::path& folder, SettingsMap before,
                    const Settings& settings);

}  // namespace untiled
