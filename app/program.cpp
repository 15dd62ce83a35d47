#include "app/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

#include "app/commands/options.h"
#include "app/commands/rank_options.h"
#include "app/config/load.h"
#include "lib/core/atomic_file.h"
#include "lib/core/failure.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

constexpr const char* kExitCodes = R"(Exit codes:
  0  ok
  1  internal error, verify above its tolerance, doctor found a fault
  2  usage, settings, budget or device
  3  data: a slide, a mask or a file; a full disk
  4  some slides of a batch failed
  129, 130, 143  stopped by SIGHUP, Ctrl-C or SIGTERM, after saving)";

int fail(int code, std::string_view message) {
  print_error(message);
  return code;
}

/// Runs a verb and sees to it that what it printed has arrived.
int finish(const std::function<int()>& body) {
  const int code = body();
  if (std::fflush(stdout) != 0) throw write_error("standard output", errno);
  return code;
}

int guarded(const std::function<int()>& body,
            const std::function<Failure(const std::exception_ptr&)>& describe) {
  try {
    return finish(body);
  } catch (...) {
    const Failure failure = describe(std::current_exception());
    return fail(failure.code, failure.sentence);
  }
}

bool works_over_ranks(const std::string& verb) {
  return verb == "train" || verb == "export" || verb == "evaluate" || verb == "verify" ||
         verb == "doctor" || verb == "bench";
}

/// Adds the verbs; the body of the one that was chosen is in `chosen` after parsing.
void add_commands(CLI::App& app, const std::vector<Command>& commands,
                  std::function<int()>& chosen) {
  for (const Command& command : commands) {
    CLI::App* verb = app.add_subcommand(command.name, command.summary);
    verb->footer("Example:\n  " + command.example);
    verb->callback([&chosen, name = command.name, body = command.define(*verb)] {
      chosen = [name, body] {
        if (!works_over_ranks(name)) require_one_rank(name);
        return body();
      };
    });
  }
}

}  // namespace

int run_program(int argc, char** argv, const std::vector<Command>& commands,
                const std::function<Failure(const std::exception_ptr&)>& describe) {
  keep_heap_memory();
  install_signal_handlers();
  remember_command_line(argc, argv);
  CLI::App app("Train and apply networks on whole gigapixel slides, exactly.", "untiled");
  app.set_version_flag("--version", "untiled " UNTILED_VERSION);
  app.failure_message([](const CLI::App* /*app*/, const CLI::Error& error) {
    return fmt::format("error: {}; see untiled --help\n", printable(error.what()));
  });
  bool list_settings = false;
  app.add_flag("--settings", list_settings, "List every setting with its default and meaning");
  app.footer(kExitCodes);
  std::function<int()> chosen;
  add_commands(app, commands, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kConfigErrorCode;
  }
  if (list_settings) {
    fmt::print("{}", describe_settings());
    return 0;
  }
  if (!chosen) return fail(kConfigErrorCode, "no verb given; see untiled --help");
  return guarded(chosen, describe);
}

}  // namespace untiled
