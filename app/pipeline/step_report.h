// What a training step over one slide stores, recomputes, takes and costs, for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/pipeline/engine.h"
#include "app/pipeline/run_plan.h"

namespace untiled {

/// A stored layer, or the pixels, as one tile reads them.
struct TileInput {
  std::string layer;
  Extent extent;
};

struct SegmentReport {
  std::string target;
  Extent tile;
  bool is_fused = false;  ///< Else LibTorch computes it.
  std::vector<TileInput> inputs;
};

struct StepReport {
  std::string slide;  ///< Its name.
  Extent extent;
  int64_t parameters = 0;
  int64_t receptive_field_pixels = 0;
  std::optional<double> receptive_field_um;  ///< None where the slide has no scale.
  Extent tile;                               ///< Of the last segment.
  int workers = 1;
  int most_workers = 1;
  std::string device;
  std::string kernels;
  std::string simd;
  std::vector<std::string> stored;  ///< Layers by name.
  std::vector<std::string> spilled;
  std::vector<std::string> recomputed;
  Order order = Order::kSweep;
  int decodes = 1;
  CacheMode cache = CacheMode::kNone;
  std::string decoder = "host";  ///< See TileDecoder; the same for all slides of a run.
  MemoryLedger memory;
  int64_t counting_bytes = 0;  ///< Before the first step, while colours are counted; 0: never.
  int64_t memory_budget = 0;
  double multiply_adds = 0.0;
  double extra_work = 0.0;  ///< What is recomputed, as a part of the least work.
  double compute_seconds = 0.0;
  std::vector<SegmentReport> segments;

  int64_t predicted_peak_bytes() const;
};

/// The slide that is reported on.
struct StepSubject {
  std::string name;
  Extent extent;
  std::optional<double> mpp;
};

/// `compute_seconds` as Engine::measure_seconds has them.
StepReport report_step(const Engine& engine, const Settings& settings, const StepSubject& subject,
                       const RunPlan& run, const PlannedStep& planned, double compute_seconds);

}  // namespace untiled
