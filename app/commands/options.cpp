#include "app/commands/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/config/load.h"
#include "lib/core/json_text.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

void add_overrides(CLI::App& verb, SettingsOptions& options) {
  verb.add_option("--set", options.overrides, "Change one setting; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

}  // namespace

Settings SettingsOptions::load() const {
  return config.empty() ? default_settings(overrides) : load_settings(config, overrides);
}

Settings SettingsOptions::load_for_prediction() const {
  SettingsOptions changes = *this;
  for (const char* change :
       {"augment.flip=false", "augment.rotate=false", "augment.stain=0", "augment.brightness=0"}) {
    changes.overrides.emplace_back(change);
  }
  return changes.load();
}

bool SettingsOptions::may_set(const std::string& key) const {
  return !config.empty() ||
         std::any_of(overrides.begin(), overrides.end(),
                     [&](const std::string& change) { return change.starts_with(key + "="); });
}

CLI::Option* add_setting_option(CLI::App& verb, const std::shared_ptr<SettingsOptions>& settings,
                                const std::string& name, const std::string& key,
                                const std::string& sentence) {
  const auto set = [settings, key](const std::string& value) {
    settings->overrides.push_back(key + "=" + value);
  };
  return verb.add_option_function<std::string>(name, set, sentence);
}

std::shared_ptr<SettingsOptions> add_settings_options(CLI::App& verb, ConfigFile config) {
  auto options = std::make_shared<SettingsOptions>();
  verb.add_option("config,--config", options->config, "Settings, see configs/")
      ->type_name("FILE.yaml")
      ->required(config == ConfigFile::kRequired);
  add_overrides(verb, *options);
  return options;
}

std::shared_ptr<SettingsOptions> add_settings_flags(CLI::App& verb) {
  auto options = std::make_shared<SettingsOptions>();
  verb.add_option("--config", options->config, "Settings, see configs/")->type_name("FILE.yaml");
  add_overrides(verb, *options);
  return options;
}

void add_deidentify_flag(CLI::App& verb, const std::shared_ptr<SettingsOptions>& settings) {
  verb.add_flag_callback(
      "--deidentify", [settings] { settings->overrides.push_back("run.deidentify=true"); },
      "Write no paths, slide names or host: slides become hashes");
}

std::shared_ptr<bool> add_json_flag(CLI::App& verb) {
  auto json = std::make_shared<bool>(false);
  verb.add_flag_callback(
      "--json",
      [json] {
        *json = true;
        set_quiet(true);
      },
      "Print one JSON document to stdout");
  return json;
}

std::string refuse_empty(const std::string& text) {
  return text.empty() ? "expected a name, found nothing (an empty variable of the shell, perhaps)"
                      : "";
}

std::shared_ptr<std::vector<std::string>> add_slide_arguments(CLI::App& verb) {
  auto slides = std::make_shared<std::vector<std::string>>();
  verb.add_option("slides", *slides, "Slides: files, folders, globs or a manifest.csv")
      ->type_name("SLIDE")
      ->required();
  return slides;
}

void print_json(const nlohmann::ordered_json& document) {
  constexpr int kIndent = 2;
  fmt::print("{}\n", json_text(document, kIndent));
}

}  // namespace untiled
