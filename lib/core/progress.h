// Messages and progress on stderr: one line redrawn in place on a terminal, plain lines at most
// every few seconds elsewhere. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace untiled {

/// Prints "note: ..." or "warning: ..." to stderr without tearing a progress line.
void note(std::string_view message);
void warn(std::string_view message);
/// Silences notes and progress, not warnings (for --json and --quiet).
void set_quiet(bool quiet);

/// Progress of one piece of work with an estimate of the time left:
/// "train step 12/200  38 %  loss 0.231  1m 04s left". Ends its line when destroyed.
class Progress {
 public:
  /// `total` in the units that `advance` counts; 0 when unknown.
  Progress(std::string title, int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Adds `count` finished units; redraws when enough time has passed.
  void advance(int64_t count = 1);
  /// Text shown after the percentage, such as the current loss.
  void set_status(std::string status);

 private:
  void draw(bool last);

  std::string title_;
  std::string status_;
  int64_t total_;
  int64_t done_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

/// "1h 02m", "3m 20s", "4.2 s".
std::string format_duration(double seconds);
/// "1.40 GiB", "38.0 MiB".
std::string format_bytes(int64_t bytes);

}  // namespace untiled
