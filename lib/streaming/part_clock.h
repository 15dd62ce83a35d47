// Where the time of a step goes.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/core/stopwatch.h"

namespace untiled {

/// Adds up what threads spend on each task of a schedule. Any thread.
class PartClock {
 public:
  explicit PartClock(size_t tasks) : nanoseconds_(tasks) {}

  /// Counts from its birth to its death.
  class Span {
   public:
    Span(PartClock& clock, size_t task) : clock_(clock), task_(task) {}
    ~Span() { clock_.nanoseconds_[task_] += static_cast<int64_t>(1e9 * watch_.seconds()); }
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

   private:
    PartClock& clock_;
    size_t task_;
    Stopwatch watch_;
  };

  double seconds(size_t task) const { return 1e-9 * static_cast<double>(nanoseconds_[task]); }

 private:
  std::vector<std::atomic<int64_t>> nanoseconds_;
};

}  // namespace untiled
