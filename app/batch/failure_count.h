// How many slides of a batch failed, and the exit code that says so.
#pragma once

#include <cstddef>

namespace untiled {

struct FailureCount {
  size_t slides = 0;
  size_t failed = 0;
  size_t by_settings = 0;  ///< Of those that failed.

  void add_failure(bool is_by_settings) {
    ++failed;
    if (is_by_settings) ++by_settings;
  }
  /// 0; 4 where some slides failed; 3 where all did, 2 where all did for the settings' sake.
  int exit_code() const {
    constexpr int kBySettings = 2;
    constexpr int kEverySlide = 3;
    constexpr int kSomeSlides = 4;
    if (failed == 0) return 0;
    if (failed < slides) return kSomeSlides;
    return by_settings == slides ? kBySettings : kEverySlide;
  }
};

}  // namespace untiled
