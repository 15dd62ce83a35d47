// How well reading hides behind computing.
#pragma once

#include <optional>

#include "app/bench/bench_report.h"

namespace untiled {

/// Names of the steps by which overlap is judged: one thread that computes from memory, and one
/// beside a thread that decodes.
inline constexpr const char* kComputingStep = "1 thread";
inline constexpr const char* kOverlappedStep = "1 thread, 1 reads";

/// From a report's steps and reading: the second of those steps against what would be ideal,
/// that it takes as long as the slower of decoding and computing alone. None where
/// one of the three is missing.
std::optional<Overlap> overlap_of(const BenchReport& report);

}  // namespace untiled
