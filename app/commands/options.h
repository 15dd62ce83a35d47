// Options that several verbs share.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "app/config/settings.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace untiled {

/// A settings file and changes to it. CLI11 fills it while it parses; so share it with the body.
struct SettingsOptions {
  std::filesystem::path config;        ///< Empty: the defaults.
  std::vector<std::string> overrides;  ///< "train.steps=10".

  /// Throws ConfigError.
  Settings load() const;
  /// The same for a network that is applied: it sees slides as they are.
  Settings load_for_prediction() const;
  /// Whether a file or an override may say something of this key.
  bool may_set(const std::string& key) const;
};

enum class ConfigFile { kRequired, kOptional };

/// Adds the YAML file, as positional CONFIG or --config, and --set KEY=VALUE, which may be
/// repeated.
std::shared_ptr<SettingsOptions> add_settings_options(CLI::App& verb, ConfigFile config);

/// Adds --config and --set only, for verbs whose positional arguments are slides.
std::shared_ptr<SettingsOptions> add_settings_flags(CLI::App& verb);

/// Adds an option that stands for --set KEY=VALUE.
CLI::Option* add_setting_option(CLI::App& verb, const std::shared_ptr<SettingsOptions>& settings,
                                const std::string& name, const std::string& key,
                                const std::string& sentence);

/// Adds --deidentify, which is --set run.deidentify=true.
void add_deidentify_flag(CLI::App& verb, const std::shared_ptr<SettingsOptions>& settings);

/// Adds --json, which also silences notes and progress.
std::shared_ptr<bool> add_json_flag(CLI::App& verb);

/// A check of CLI11 of what names a file or a folder: an empty text would be the current folder.
std::string refuse_empty(const std::string& text);

/// Adds the positional SLIDE...; pass what it holds to `list_slides` (data/cohort).
std::shared_ptr<std::vector<std::string>> add_slide_arguments(CLI::App& verb);

/// Prints one JSON document to stdout; numbers that are not finite become null.
void print_json(const nlohmann::ordered_json& document);

}  // namespace untiled
