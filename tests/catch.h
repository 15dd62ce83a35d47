// Catch2 version 2 (Debian) or 3 (Homebrew), and the way tests say that they cannot run here.
#pragma once

// LibTorch's logging has a CHECK of its own, which aborts; included first, it cannot replace
// Catch's later.
#if __has_include(<c10/util/Logging.h>)
#include <c10/util/Logging.h>
#undef CHECK
#endif

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

#include <cstdio>
#include <string>

/// Matches texts that hold `part`.
inline auto contains_text(const std::string& part) {
#if __has_include(<catch2/catch_all.hpp>)
  return Catch::Matchers::ContainsSubstring(part);
#else
  return Catch::Matchers::Contains(part);
#endif
}

/// Leaves the test case with a reason; the run's listener counts such cases.
#define UNTILED_SKIP(reason)                                   \
  do {                                                         \
    std::printf("SKIPPED: %s\n", std::string(reason).c_str()); \
    SUCCEED("skipped");                                        \
    return;                                                    \
  } while (false)
