#include "lib/plan/progress.h"

#include <algorithm>

namespace untiled {

std::vector<Wait>& ScheduleProgress::waits_left(TaskId task, int64_t band) {
  Open& open = open_[index(task)];
  if (open.band != band) open = {band, schedule_.waits(task, band)};
  std::erase_if(open.waits, [&](const Wait& w) { return done_[index(w.task)] >= w.bands; });
  return open.waits;
}

bool ScheduleProgress::may_begin(TaskId task, int64_t band) {
  return waits_left(task, band).empty();
}

std::optional<TaskId> ScheduleProgress::waits_only_for(TaskId task, int64_t band) {
  const std::vector<Wait>& waits = waits_left(task, band);
  const bool one = !waits.empty() && std::all_of(waits.begin(), waits.end(), [&](const Wait& w) {
    return w.task == waits.front().task;
  });
  if (!one) return std::nullopt;
  return waits.front().task;
}

}  // namespace untiled
