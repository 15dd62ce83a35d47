// Seconds by part of a piece of work.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace untiled {

/// Starts when it is made. One thread.
class Stopwatch {
 public:
  /// Since the beginning.
  double seconds() const { return between(start_, std::chrono::steady_clock::now()); }
  /// The time since the last lap, or the beginning, went into `part`.
  void lap(std::string part) {
    const auto now = std::chrono::steady_clock::now();
    laps_.emplace_back(std::move(part), between(last_, now));
    last_ = now;
  }
  const std::vector<std::pair<std::string, double>>& laps() const { return laps_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  static double between(Time from, Time to) {
    return std::chrono::duration<double>(to - from).count();
  }

  Time start_ = std::chrono::steady_clock::now();
  Time last_ = start_;
  std::vector<std::pair<std::string, double>> laps_;
};

}  // namespace untiled
