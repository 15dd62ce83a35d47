#include "lib/core/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <utility>

#include "lib/core/printable.h"
#include "lib/core/thread_silence.h"

namespace untiled {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kTerminalInterval{100};
constexpr seconds kPlainInterval{10};
/// Work that took less leaves no plain line.
constexpr seconds kWorthMentioning{2};

/// stderr, shared by messages and progress lines so that neither tears the other.
class Console {
 public:
  void message(std::string_view kind, std::string_view text) {
    const std::lock_guard lock(mutex_);
    put(fmt::format("{}{}: {}\n{}", erase(), kind, printable(text), shown_));
  }

  /// Shows `text` in place of the line shown before.
  void show(std::string_view text) {
    const std::lock_guard lock(mutex_);
    shown_ = fit(text, columns() - 1);
    put(fmt::format("\r\x1b[K{}", shown_));
  }

  /// Shows `text` for good.
  void finish(std::string_view text) {
    const std::lock_guard lock(mutex_);
    const std::string_view fitting = terminal_ ? fit(text, columns() - 1) : text;
    put(fmt::format("{}{}\n", terminal_ ? "\r\x1b[K" : "", fitting));
    shown_.clear();
  }

  bool terminal() const { return terminal_; }
  void set_quiet(bool quiet) { quiet_ = quiet; }
  bool quiet() const { return quiet_; }

 private:
  std::string_view erase() const { return shown_.empty() ? "" : "\r\x1b[K"; }

  static size_t columns() {
    constexpr size_t kUsual = 80;
    struct winsize size = {};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
    return size.ws_col;
  }

  static void put(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }

  std::mutex mutex_;
  std::string shown_;
  const bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::atomic<bool> quiet_ = false;
};

Console& console() {
  static Console instance;
  return instance;
}

double ratio(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

int percent(int64_t done, int64_t total) {
  constexpr double kPercent = 100.0;
  return static_cast<int>(kPercent * ratio(done, total));
}

double in_seconds(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

void note(std::string_view message) {
  if (!console().quiet() && !is_thread_silent()) console().message("note", message);
}

void warn(std::string_view message) {
  if (!is_thread_silent()) console().message("warning", message);
}

void print_error(std::string_view message) { console().message("error", message); }

void set_quiet(bool quiet) { console().set_quiet(quiet); }

Progress::Progress(std::string title, int64_t total, int64_t done)
    : title_(std::move(title)),
      total_(total),
      done_before_(done),
      done_(done),
      start_(Clock::now()),
      drawn_(start_) {}

Progress::~Progress() {
  const std::lock_guard lock(mutex_);
  draw(true);
}

void Progress::advance(int64_t count) {
  const std::lock_guard lock(mutex_);
  done_ += count;
  draw(false);
}

void Progress::set_status(std::string status) {
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
  draw(false);
}

void Progress::draw(bool last) {
  if (console().quiet() || is_thread_silent()) return;
  const auto now = Clock::now();
  const bool terminal = console().terminal();
  if (last) {
    const bool mention = terminal ? drawn_once_ : now - start_ >= kWorthMentioning;
    if (mention) console().finish(line(in_seconds(now - start_), true));
    return;
  }
  if (now - drawn_ < (terminal ? Clock::duration(kTerminalInterval) : kPlainInterval)) return;
  drawn_ = now;
  drawn_once_ = true;
  const std::string text = line(in_seconds(now - start_), false);
  terminal ? console().show(text) : console().finish(text);
}

std::string Progress::line(double elapsed_s, bool last) const {
  std::string text = printable(title_);
  if (total_ > 0) text += fmt::format("  {} %", percent(done_, total_));
  if (!status_.empty()) text += "  " + printable(status_);
  if (last) return text + "  in " + format_duration(elapsed_s);
  const int64_t done_here = done_ - done_before_;
  if (total_ > done_ && done_here > 0) {
    text += fmt::format("  {} left", format_duration(elapsed_s * ratio(total_ - done_, done_here)));
  }
  return text;
}

std::string_view fit(std::string_view text, size_t columns) {
  size_t points = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts_point = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts_point && ++points > columns) return text.substr(0, i);
  }
  return text;
}

std::string format_duration(double seconds) {
  constexpr int64_t kMinute = 60;
  constexpr int64_t kHour = 3600;
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < kMinute) return fmt::format("{} s", whole);
  if (whole < kHour) return fmt::format("{}m {:02}s", whole / kMinute, whole % kMinute);
  return fmt::format("{}h {:02}m", whole / kHour, whole % kHour / kMinute);
}

std::string format_bytes(int64_t bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB"};
  constexpr double kStep = 1024.0;
  if (std::abs(bytes) < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / kStep;
  size_t unit = 0;
  while (std::abs(value) >= kStep && unit + 1 < kUnits.size()) {
    value /= kStep;
    ++unit;
  }
  const int digits = std::abs(value) < 10 ? 2 : std::abs(value) < 100 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, digits, kUnits[unit]);
}

}  // namespace untiled
