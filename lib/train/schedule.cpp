#include "lib/train/schedule.h"

#include <cmath>
#include <numbers>

namespace untiled {
namespace {

constexpr double kOneCycleDivisor = 25.0;

/// Half a cosine from `start` to `end` as `part` goes from 0 to 1.
double anneal(double start, double end, double part) {
  return end + (start - end) / 2.0 * (1.0 + std::cos(std::numbers::pi * part));
}

double cosine(const ScheduleSettings& schedule, double peak, int64_t index, int64_t steps) {
  const int64_t warmup = std::llround(schedule.warmup_fraction * static_cast<double>(steps));
  if (index < warmup) {
    return peak * static_cast<double>(index + 1) / static_cast<double>(warmup);
  }
  const int64_t falling = steps - 1 - warmup;
  const double part =
      falling > 0 ? static_cast<double>(index - warmup) / static_cast<double>(falling) : 0.0;
  return anneal(peak, peak * schedule.final_fraction, part);
}

double one_cycle(const ScheduleSettings& schedule, double peak, int64_t index, int64_t steps) {
  if (steps == 1) return peak;
  const auto step = static_cast<double>(index);
  const double top = schedule.warmup_fraction * static_cast<double>(steps) - 1.0;
  if (step <= top) {
    return top > 0.0 ? anneal(peak / kOneCycleDivisor, peak, step / top) : peak;
  }
  const double last = static_cast<double>(steps) - 1.0;
  return anneal(peak, peak * schedule.final_fraction, (step - top) / (last - top));
}

}  // namespace

double learning_rate_at(const ScheduleSettings& schedule, double peak, int64_t index,
                        int64_t steps) {
  switch (schedule.kind) {
    case ScheduleKind::kConstant:
      return peak;
    case ScheduleKind::kCosine:
      return cosine(schedule, peak, index, steps);
    case ScheduleKind::kOneCycle:
      return one_cycle(schedule, peak, index, steps);
  }
  return peak;
}

}  // namespace untiled
