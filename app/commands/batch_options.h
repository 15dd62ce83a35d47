// What label and export have in common on the command line.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/batch/run_batch.h"
#include "app/commands/options.h"
#include "lib/output/slide_outputs.h"

namespace untiled {

/// Options of a batch; CLI11 fills it while it parses.
struct BatchArguments {
  std::shared_ptr<std::vector<std::string>> inputs;
  std::shared_ptr<SettingsOptions> settings;
  std::shared_ptr<bool> json;
  std::filesystem::path out;
  std::vector<std::string> formats;
  bool preview = false;
  std::string shard = "0/1";
  double tolerance = 0.5;

  /// Throws ConfigError.
  OutputOptions output_options() const;
  /// What decides the outputs of a verb beside slide and model: these options and the settings
  /// whose keys begin with one of `keys`.
  std::map<std::string, std::string> identity(const std::string& verb, const Settings& settings,
                                              const std::vector<std::string>& keys) const;
  /// Lists the slides. Throws ConfigError, DataError (a bad manifest).
  BatchOptions batch_options(const std::string& verb, const Settings& settings,
                             const std::map<std::string, std::string>& identity) const;
};

/// Adds SLIDE..., --out, --format, --preview, --tolerance, --shard, --origin, --deidentify,
/// --config, --set and --json.
std::shared_ptr<BatchArguments> add_batch_arguments(CLI::App& verb,
                                                    const std::vector<std::string>& formats,
                                                    std::vector<std::string> usual);

}  // namespace untiled
