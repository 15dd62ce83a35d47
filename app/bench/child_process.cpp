#include "app/bench/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/platform.h"
#include "lib/core/stop.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): macOS has no header for it

namespace untiled {
namespace {

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void redirect(int descriptor, const std::filesystem::path& file) {
    posix_spawn_file_actions_addopen(&actions_, descriptor, file.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

/// Hands a signal that asks this process to stop on to the child.
int wait_for(pid_t child) {
  constexpr std::chrono::milliseconds kPause(20);
  int status = 0;
  bool told = false;
  while (true) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR) throw InternalError(std::strerror(errno));
    if (stop_signal() != 0 && !told) told = kill(child, stop_signal()) == 0;
    std::this_thread::sleep_for(kPause);
  }
}

/// As the program itself would have ended.
[[noreturn]] void fail_as(int code, const std::string& message) {
  constexpr int kUsageError = 2;
  constexpr int kDataError = 3;
  if (code == kUsageError) throw ConfigError(message);
  if (code == kDataError) throw DataError(message);
  throw InternalError(message);
}

}  // namespace

std::string run_untiled(const std::vector<std::string>& arguments,
                        const std::filesystem::path& scratch) {
  const std::filesystem::path out = scratch / "stdout";
  const std::filesystem::path err = scratch / "stderr";
  FileActions actions;
  actions.redirect(STDOUT_FILENO, out);
  actions.redirect(STDERR_FILENO, err);
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), own_program().string());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawn(&child, argv.front(), actions.get(), nullptr, argv.data(), environ);
  if (error != 0) {
    throw InternalError(fmt::format("{} cannot be run: {}", argv.front(), std::strerror(error)));
  }
  const int status = wait_for(child);
  throw_if_stopped();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    constexpr size_t kEnd = 600;
    const std::string said = read_file(err);
    fail_as(WIFEXITED(status) ? WEXITSTATUS(status) : 1,
            fmt::format("untiled {} failed: {}", arguments.front(),
                        said.substr(said.size() - std::min(kEnd, said.size()))));
  }
  return read_file(out);
}

}  // namespace untiled
