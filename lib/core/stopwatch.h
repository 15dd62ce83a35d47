// Seconds by part of a piece of work.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace untiled {

/// One thread.
class Stopwatch {
 public:
  /// The time since the last lap, or the beginning, went into `part`.
  void lap(std::string part) {
    const auto now = std::chrono::steady_clock::now();
    laps_.emplace_back(std::move(part), std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }
  const std::vector<std::pair<std::string, double>>& laps() const { return laps_; }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  std::vector<std::pair<std::string, double>> laps_;
};

}  // namespace untiled
