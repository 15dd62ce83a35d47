#include "lib/core/stop.h"

#include <csignal>

#include "lib/core/error.h"
#include "tests/catch.h"

using namespace untiled;

TEST_CASE("a stop is asked for by SIGTERM and thrown with its number") {
  install_signal_handlers();
  CHECK_NOTHROW(throw_if_stopped());
  std::raise(SIGTERM);
  CHECK(stop_signal() == SIGTERM);
  try {
    throw_if_stopped();
    FAIL("did not throw");
  } catch (const Interrupted& stop) {
    CHECK(stop.signal() == SIGTERM);
  }
  request_stop(0);
  CHECK_NOTHROW(throw_if_stopped());
}

TEST_CASE("SIGUSR1 asks to save once and does not stop") {
  install_signal_handlers();
  std::raise(SIGUSR1);
  CHECK(stop_signal() == 0);
  CHECK(take_save_request());
  CHECK_FALSE(take_save_request());
}

TEST_CASE("a terminal that closes asks to stop, under nohup it does not") {
  std::signal(SIGHUP, SIG_DFL);  // The tests themselves may run under nohup.
  install_signal_handlers();
  std::raise(SIGHUP);
  CHECK(stop_signal() == SIGHUP);
  request_stop(0);
  std::signal(SIGHUP, SIG_IGN);
  install_signal_handlers();
  std::raise(SIGHUP);
  CHECK(stop_signal() == 0);
  std::signal(SIGHUP, SIG_DFL);
}
