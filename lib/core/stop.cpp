#include "lib/core/stop.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "lib/core/error.h"

namespace untiled {
namespace {

std::atomic<int> stop_requested{0};
std::atomic<bool> save_requested{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void on_stop(int signal) {
  if (stop_requested.exchange(signal) == SIGINT && signal == SIGINT) _exit(128 + signal);
}

void on_stop_of_ranks(int /*signal*/) { on_stop(SIGTERM); }

void on_save(int /*signal*/) { save_requested = true; }

void install(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

bool is_ignored(int signal) {
  struct sigaction action = {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

void install_signal_handlers() {
  install(SIGINT, on_stop);
  install(SIGTERM, on_stop);
  if (!is_ignored(SIGHUP)) install(SIGHUP, on_stop);
  install(SIGUSR1, on_save);
  install(SIGUSR2, on_stop_of_ranks);
  install(SIGPIPE, SIG_IGN);
  install(SIGXFSZ, SIG_IGN);
}

int stop_signal() { return stop_requested; }

void throw_if_stopped() {
  if (const int signal = stop_requested) throw Interrupted(signal);
}

bool take_save_request() { return save_requested.exchange(false); }

void request_stop(int signal) { stop_requested = signal; }

}  // namespace untiled
