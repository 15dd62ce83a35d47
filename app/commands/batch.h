// How verbs over many slides deal with slides that fail.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace untiled {

/// One bad slide does not end a batch. One thread.
class Batch {
 public:
  /// Runs the work of one slide. A DataError, or a ConfigError that only this slide has (it is too
  /// large for the budget, say), is printed and returned as its reason; empty: all went well. A
  /// stop and our own faults end the batch.
  std::string attempt(const std::function<void()>& work);

  size_t failed() const { return failed_; }
  /// 0; 4 where some slides failed; 3 where all did, 2 where all did for the settings' sake.
  int exit_code() const;

 private:
  size_t slides_ = 0;
  size_t failed_ = 0;
  size_t failed_by_settings_ = 0;
};

}  // namespace untiled
