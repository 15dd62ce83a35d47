#include "lib/ranks/mpi/launcher.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace untiled {
namespace {

constexpr std::array<std::string_view, 7> kLaunchers = {"mpirun",  "mpiexec", "orterun", "orted",
                                                        "prterun", "prted",   "prte"};

bool is_launcher(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/comm");
  std::string name;
  std::getline(file, name);
  // Debian's alternatives may add what the program really is: mpirun.openmpi.
  name = name.substr(0, name.find('.'));
  return std::find(kLaunchers.begin(), kLaunchers.end(), name) != kLaunchers.end();
}

bool is_there(pid_t process) { return kill(process, 0) == 0; }

/// Runs in a copy of a process with threads: nothing but calls of the system.
[[noreturn]] void wait_and_end(pid_t launcher, unsigned grace_seconds) {
  constexpr int kMostFiles = 1024;
  setsid();
  // Launchers read until nobody has the other end of a pipe, and peers until nobody has a socket.
  for (int file = 0; file < kMostFiles; ++file) close(file);
  for (unsigned second = 0; second < grace_seconds; ++second) {
    if (!is_there(launcher)) _exit(0);
    sleep(1);
  }
  // It was asked to end by MPI_Abort already.
  kill(launcher, SIGKILL);
  _exit(0);
}

}  // namespace

void end_launcher_after(std::chrono::seconds grace) {
  const pid_t launcher = getppid();
  if (!is_launcher(launcher)) return;
  if (fork() == 0) wait_and_end(launcher, static_cast<unsigned>(grace.count()));
}

std::chrono::seconds launcher_grace() {
  constexpr int kUsual = 1;
  constexpr int kSpare = 8;
  int timeout = kUsual;
  // Open MPI 4's name and Open MPI 5's.
  for (const char* name :
       {"OMPI_MCA_odls_base_sigkill_timeout", "PRTE_MCA_odls_base_sigkill_timeout"}) {
    const char* text = std::getenv(name);
    if (text != nullptr) timeout = std::max(timeout, std::clamp(std::atoi(text), kUsual, 600));
  }
  return std::chrono::seconds(2 * timeout + kSpare);
}

}  // namespace untiled
