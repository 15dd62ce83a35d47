// The table of verbs, and the one place where failures become exit codes.
#include <c10/util/Exception.h>
#include <c10/util/Logging.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "app/commands/command.h"
#include "app/commands/options.h"
#include "lib/config/load.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

constexpr int kInternalError = 1;
constexpr int kUsageError = 2;
constexpr int kDataError = 3;
constexpr int kSignalBase = 128;

std::vector<Command> commands() {
  return {train_command(),  export_command(), label_command(), evaluate_command(), plan_command(),
          verify_command(), synth_command(),  info_command(),  doctor_command(),   bench_command()};
}

constexpr const char* kExitCodes = R"(Exit codes:
  0  ok
  1  internal error, verify above its tolerance, doctor found a fault
  2  usage, settings, budget or device
  3  data: a slide, a mask or a file; a full disk
  4  some slides of a batch failed
  129, 130, 143  stopped by SIGHUP, Ctrl-C or SIGTERM, after saving)";

constexpr const char* kOutOfMemory =
    "out of memory; lower memory_budget, threads or streaming.tile";

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

int guarded(const std::function<int()>& body) {
  try {
    return finish(body);
  } catch (const ConfigError& error) {
    return fail(kUsageError, error.what());
  } catch (const DataError& error) {
    return fail(kDataError, error.what());
  } catch (const Interrupted& stop) {
    return fail(kSignalBase + stop.signal(), stop.what());
  } catch (const std::bad_alloc&) {
    return fail(kUsageError, kOutOfMemory);
  } catch (const c10::OutOfMemoryError&) {
    return fail(kUsageError, kOutOfMemory);
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    const bool is_memory = text.find("not enough memory") != std::string::npos;
    return is_memory ? fail(kUsageError, kOutOfMemory) : fail(kInternalError, text);
  } catch (const std::exception& error) {
    return fail(kInternalError, error.what());
  }
}

/// Adds the verbs; the body of the one that was chosen is in `chosen` after parsing.
void add_commands(CLI::App& app, std::function<int()>& chosen) {
  for (const Command& command : commands()) {
    CLI::App* verb = app.add_subcommand(command.name, command.summary);
    verb->footer("Example:\n  " + command.example);
    verb->callback([&chosen, body = command.define(*verb)] { chosen = body; });
  }
}

int run(int argc, char** argv) {
  CLI::App app("Train and apply networks on whole gigapixel slides, exactly.", "untiled");
  app.set_version_flag("--version", "untiled " UNTILED_VERSION);
  app.failure_message([](const CLI::App* /*app*/, const CLI::Error& error) {
    return fmt::format("error: {}; see untiled --help\n", printable(error.what()));
  });
  bool list_settings = false;
  app.add_flag("--settings", list_settings, "List every setting with its default and meaning");
  app.footer(kExitCodes);
  std::function<int()> chosen;
  add_commands(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  if (list_settings) {
    fmt::print("{}", describe_settings());
    return 0;
  }
  if (!chosen) return fail(kUsageError, "no verb given; see untiled --help");
  return guarded(chosen);
}

}  // namespace
}  // namespace untiled

int main(int argc, char** argv) {
  // LibTorch's own list of its callers is for its authors, and would stand in messages of failures.
  c10::SetStackTraceFetcher([] { return std::string(); });
  untiled::keep_heap_memory();
  untiled::install_signal_handlers();
  return untiled::run(argc, argv);
}
