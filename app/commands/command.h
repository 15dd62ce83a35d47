// A verb of the command line: how it is described, which options it has and what it does.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace untiled {

/// `define` adds the verb's options to its CLI11 subcommand and returns the body to run once they
/// are parsed. The body returns the exit code and throws ConfigError, DataError or InternalError,
/// which main maps to exit codes.
struct Command {
  std::string name;
  std::string summary;  ///< One line in `untiled --help`.
  std::string example;  ///< Shown at the end of `untiled VERB --help`.
  std::function<std::function<int()>(CLI::App&)> define;
};

Command train_command();
Command export_command();
Command label_command();
Command evaluate_command();
Command plan_command();
Command verify_command();
Command tile_command();
Command synth_command();
Command info_command();
Command doctor_command();
Command bench_command();

}  // namespace untiled
