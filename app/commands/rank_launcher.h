// The process that starts ranks, and what of our own signals reaches them.
#pragma once

#include <string>
#include <vector>

namespace untiled {

struct LauncherEnd {
  int start_error = 0;  ///< errno where it could not be started, and nothing ran.
  int code = 0;         ///< Its exit code; 128 + n where signal n ended it.
};

/// Runs a command line (the first word is looked for in PATH), which reads nothing from stdin, and
/// waits for it. Where this process is asked to stop, the launcher gets `stop_with`, SIGUSR1 as it
/// is; it ends with this process. It has a process group of its own, for else Ctrl-C in a terminal
/// would end it before ranks have saved. Called by the main thread.
LauncherEnd run_launcher(const std::vector<std::string>& words, int stop_with);

}  // namespace untiled
