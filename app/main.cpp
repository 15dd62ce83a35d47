// The table of verbs, and the one place where failures become exit codes.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <new>
#include <vector>

#include "app/commands/command.h"
#include "app/commands/options.h"
#include "lib/config/load.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

constexpr int kInternalError = 1;
constexpr int kUsageError = 2;
constexpr int kDataError = 3;
constexpr int kSignalBase = 128;

std::vector<Command> commands() {
  return {train_command(),  export_command(), label_command(), plan_command(),
          verify_command(), synth_command(),  info_command(),  doctor_command()};
}

constexpr const char* kExitCodes = R"(Exit codes:
  0  ok
  1  internal error, verify above its tolerance, doctor found a fault
  2  usage, settings, budget or device
  3  data: a slide, a mask or a file; a full disk
  4  some slides of a batch failed
  130, 143  stopped by Ctrl-C or SIGTERM, after saving)";

/// Length of the UTF-8 sequence that begins `text`; 0 where it begins none.
size_t sequence_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t length = byte(0) < 0x80   ? 1
                        : byte(0) < 0xC2 ? 0
                        : byte(0) < 0xE0 ? 2
                        : byte(0) < 0xF0 ? 3
                        : byte(0) < 0xF5 ? 4
                                         : 0;
  if (length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  return length;
}

/// One line of valid UTF-8: messages quote files, and files may hold anything.
std::string printable(std::string_view message) {
  std::string line;
  while (!message.empty()) {
    const size_t length = sequence_length(message);
    const bool control = static_cast<unsigned char>(message[0]) < 0x20 || message[0] == 0x7F;
    line += length == 0 || control ? std::string_view("?") : message.substr(0, length);
    message.remove_prefix(std::max<size_t>(length, 1));
  }
  return line;
}

int fail(int code, std::string_view message) {
  fmt::print(stderr, "error: {}\n", printable(message));
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
    return fail(kInternalError, "out of memory; lower memory_budget, threads or streaming.tile");
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
    return fmt::format("error: {}; see untiled --help\n", error.what());
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
  untiled::install_signal_handlers();
  return untiled::run(argc, argv);
}
