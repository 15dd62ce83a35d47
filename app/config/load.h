// Settings from a YAML file and --set, and back. Strict: an unknown or repeated key, a wrong type
// or a value out of range is a ConfigError with file, line and key. The keys, their types, defaults
// and sentences stand in fields.cpp, once.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/config/settings.h"

namespace untiled {

/// The settings of a YAML file, then `overrides` ("train.steps=10") in their order. Paths and globs
/// come out absolute: those of the file are relative to its folder, those of `overrides` and the
/// defaults to the current one. Throws ConfigError.
Settings load_settings(const std::filesystem::path& yaml,
                       const std::vector<std::string>& overrides = {});

/// The defaults with `overrides`.
Settings default_settings(const std::vector<std::string>& overrides = {});

/// All settings as YAML that loads back to the same.
std::string to_yaml(const Settings& settings);

/// Every key with its type, default and sentence, for people.
std::string describe_settings();

}  // namespace untiled
