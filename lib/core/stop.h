// Ctrl-C and its relatives. Signal handlers only set flags here; long loops ask at each tile.
#pragma once

namespace untiled {

/// SIGINT, SIGTERM and, without nohup, SIGHUP ask to stop, SIGUSR1 to save and go on; SIGPIPE and
/// SIGXFSZ are ignored so that writes report errors. A second SIGINT ends the process at once.
/// SIGUSR2 counts as SIGTERM: launchers of ranks pass it on, where at a SIGTERM of their own they
/// may no longer pass on what ranks say.
void install_signal_handlers();

/// The signal that asked to stop, or 0. Any thread.
int stop_signal();

/// Throws Interrupted if a stop was asked for. Any thread.
void throw_if_stopped();

/// True once after each SIGUSR1. Any thread.
bool take_save_request();

/// As if `signal` had arrived (0 clears); for tests.
void request_stop(int signal);

}  // namespace untiled
