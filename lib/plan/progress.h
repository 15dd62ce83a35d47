// How far the tasks of a schedule are, and what may run next.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/plan/schedule.h"

namespace untiled {

/// Complete bands by task. One thread at a time.
class ScheduleProgress {
 public:
  /// Keeps a reference to `schedule`.
  explicit ScheduleProgress(const Schedule& schedule)
      : schedule_(schedule), done_(schedule.tasks().size(), 0), open_(schedule.tasks().size()) {}

  const std::vector<int64_t>& done() const { return done_; }
  bool has_ended(TaskId task) const {
    return done_[index(task)] == static_cast<int64_t>(schedule_.task(task).bands.size());
  }
  /// The first `bands` bands of a task are complete; never fewer than before.
  void set_done(TaskId task, int64_t bands) { done_[index(task)] = bands; }

  /// Whether a band, which has not begun, may. Bands of a task are asked for in their order.
  bool may_begin(TaskId task, int64_t band);
  /// The only task that a band waits for, if it is one.
  std::optional<TaskId> waits_only_for(TaskId task, int64_t band);

 private:
  /// What the next band of a task still waits for; waits that are over are dropped.
  struct Open {
    int64_t band = -1;
    std::vector<Wait> waits;
  };
  std::vector<Wait>& waits_left(TaskId task, int64_t band);

  const Schedule& schedule_;
  std::vector<int64_t> done_;
  std::vector<Open> open_;
};

}  // namespace untiled
