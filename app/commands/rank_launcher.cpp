#include "app/commands/rank_launcher.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "lib/core/platform.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

constexpr auto kPause = std::chrono::milliseconds(20);
constexpr int kStoppedByTerm = 128 + SIGTERM;

/// Only what may follow a fork; does not return.
[[noreturn]] void become(char* const* arguments, int report) {
  ::setpgid(0, 0);
  end_with_parent();
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  ::execvp(arguments[0], arguments);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &error, sizeof error);
  ::_exit(127);
}

/// errno of a start that failed; 0 once the command runs, which closes the other end.
int start_error(int report) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(report, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  return got == sizeof error ? error : 0;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

/// Waits for the launcher, and passes on what this process is asked for.
int wait_for(pid_t launcher, int stop_with) {
  bool is_told = false;
  int status = 0;
  for (pid_t ended = 0; ended != launcher; ended = ::waitpid(launcher, &status, WNOHANG)) {
    if (ended < 0 && errno != EINTR) return kStoppedByTerm;
    if (take_save_request()) ::kill(launcher, SIGUSR1);
    if (!is_told && stop_signal() != 0) {
      ::kill(launcher, stop_with);
      is_told = true;
    }
    std::this_thread::sleep_for(kPause);
  }
  const int code = code_of(status);
  // Ranks know of one way to be stopped; the code says how it was asked for.
  return is_told && code == kStoppedByTerm ? 128 + stop_signal() : code;
}

}  // namespace

LauncherEnd run_launcher(const std::vector<std::string>& words, int stop_with) {
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int report[2];
  if (::pipe(report) != 0) return {.start_error = errno};
  for (const int end : report) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  const pid_t launcher = ::fork();
  if (launcher == 0) become(arguments.data(), report[1]);
  const int fork_error = errno;
  ::close(report[1]);
  const int error = launcher < 0 ? fork_error : start_error(report[0]);
  ::close(report[0]);
  if (error == 0) return {.code = wait_for(launcher, stop_with)};
  if (launcher > 0) ::waitpid(launcher, nullptr, 0);
  return {.start_error = error};
}

}  // namespace untiled
