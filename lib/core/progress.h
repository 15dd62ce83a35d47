// Messages and progress on stderr: one line redrawn in place on a terminal, plain lines at most
// every ten seconds elsewhere. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace untiled {

/// Prints "note: ..." or "warning: ..." to stderr without tearing a progress line.
void note(std::string_view message);
void warn(std::string_view message);
/// Prints "error: ..." likewise. What the message quotes is made printable in all three.
void print_error(std::string_view message);
/// Silences notes and progress, not warnings and errors (for --json).
void set_quiet(bool quiet);

/// Progress of one piece of work with an estimate of the time left:
/// "train  6 %  step 12/200  loss 0.231  1m 04s left". Ends its line when destroyed.
class Progress {
 public:
  /// `total` in the units that `advance` counts, 0 when unknown; `done` of them were done before
  /// (a run that is resumed) and do not count for the speed.
  explicit Progress(std::string title, int64_t total, int64_t done = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Adds `count` finished units; redraws when enough time has passed.
  void advance(int64_t count = 1);
  /// Text shown after the percentage, such as the current loss.
  void set_status(std::string status);

 private:
  void draw(bool last);
  std::string line(double elapsed_s, bool last) const;

  std::mutex mutex_;
  std::string title_;
  std::string status_;
  int64_t total_;
  int64_t done_before_;
  int64_t done_;
  bool drawn_once_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

/// The longest beginning of UTF-8 `text` that takes at most `columns` code points.
std::string_view fit(std::string_view text, size_t columns);
/// "1h 02m", "3m 20s", "4.2 s".
std::string format_duration(double seconds);
/// "1.40 GiB", "38.0 MiB".
std::string format_bytes(int64_t bytes);

}  // namespace untiled
