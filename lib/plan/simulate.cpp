#include "lib/plan/simulate.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "lib/core/error.h"
#include "lib/plan/progress.h"

namespace untiled {
namespace {

class Simulation {
 public:
  Simulation(const Schedule& schedule, const std::vector<int64_t>& row_bytes)
      : schedule_(schedule),
        row_bytes_(row_bytes),
        progress_(schedule),
        filled_(schedule.stores().size(), 0),
        freed_(schedule.stores().size(), 0),
        whole_peaks_(static_cast<size_t>(schedule.stages()), 0) {
    found_.rows.assign(schedule.stores().size(), 0);
  }

  Occupancy run() {
    while (const std::optional<TaskId> task = next()) advance(*task);
    for (size_t t = 0; t < schedule_.tasks().size(); ++t) {
      if (progress_.has_ended(static_cast<TaskId>(t))) continue;
      throw InternalError("no task of the schedule can run: waiting for " +
                          schedule_.tasks()[t].name);
    }
    add_bands();
    return std::move(found_);
  }

 private:
  int64_t done(TaskId task) const { return progress_.done()[index(task)]; }
  bool is_ready(TaskId task) {
    return !progress_.has_ended(task) && progress_.may_begin(task, done(task));
  }

  /// What one worker takes next.
  std::optional<TaskId> next() {
    std::optional<TaskId> reading;
    for (size_t t = 0; t < schedule_.tasks().size(); ++t) {
      const auto id = static_cast<TaskId>(t);
      if (!is_ready(id)) continue;
      if (schedule_.task(id).kind != TaskKind::kRead) return id;
      if (!reading || (!is_wanted(*reading) && is_wanted(id))) reading = id;
    }
    return reading;
  }

  /// Whether a task waits for a reading one and for nothing else.
  bool is_wanted(TaskId reading) {
    for (const TaskInput& reader :
         schedule_.store(schedule_.task(reading).writes.front()).readers) {
      if (progress_.has_ended(reader.task)) continue;
      if (progress_.waits_only_for(reader.task, done(reader.task)) == reading) return true;
    }
    return false;
  }

  void advance(TaskId task) {
    const int64_t band = done(task);
    for (const auto& [id, end] : schedule_.fills(task, band)) {
      int64_t& filled = filled_[index(id)];
      live_bytes_ += is_whole(id) ? (std::max(end, filled) - filled) * row_bytes_[index(id)] : 0;
      filled = std::max(filled, end);
      int64_t& most = found_.rows[index(id)];
      most = std::max(most, filled - freed_[index(id)]);
    }
    int64_t& peak = whole_peaks_[static_cast<size_t>(schedule_.task(task).stage)];
    peak = std::max(peak, live_bytes_);
    progress_.set_done(task, band + 1);
    for (const StoreId input : schedule_.task(task).inputs) free_rows(input);
  }

  bool is_whole(StoreId id) const { return !schedule_.store(id).is_band; }

  void free_rows(StoreId id) {
    const Store& s = schedule_.store(id);
    int64_t row = schedule_.is_finished(id, progress_.done()) ? s.rows : 0;
    if (s.releases_rows) row = std::max(row, schedule_.first_kept_row(id, progress_.done()));
    row = std::min(row, filled_[index(id)]);
    int64_t& freed = freed_[index(id)];
    if (row <= freed) return;
    if (is_whole(id)) live_bytes_ -= (row - freed) * row_bytes_[index(id)];
    freed = row;
  }

  /// Bands of rows take their room from their first user's stage to their last one's. A ring is
  /// seen twice in a row, and the system counts what is looked at behind its end a second time.
  void add_bands() {
    for (int stage = 0; stage < schedule_.stages(); ++stage) {
      int64_t stored = whole_peaks_[static_cast<size_t>(stage)];
      int64_t pixels = 0;
      for (size_t i = 0; i < schedule_.stores().size(); ++i) {
        const Store& s = schedule_.stores()[i];
        if (!s.is_band || !lives_in(s, stage)) continue;
        const int64_t rows = s.capacity + schedule_.tallest_use(static_cast<StoreId>(i));
        (s.kind == StoreKind::kPixels ? pixels : stored) +=
            std::min(rows, 2 * s.capacity) * row_bytes_[i];
      }
      if (stored + pixels <= found_.stored_bytes + found_.pixel_bytes) continue;
      found_.stored_bytes = stored;
      found_.pixel_bytes = pixels;
    }
  }

  bool lives_in(const Store& s, int stage) const {
    int first = schedule_.stages();
    int last = -1;
    const auto use = [&](TaskId task) {
      first = std::min(first, schedule_.task(task).stage);
      last = std::max(last, schedule_.task(task).stage);
    };
    for (const TaskId writer : s.writers) use(writer);
    for (const TaskInput& adder : s.adders) use(adder.task);
    for (const TaskInput& reader : s.readers) use(reader.task);
    return first <= stage && stage <= last;
  }

  const Schedule& schedule_;
  const std::vector<int64_t>& row_bytes_;
  ScheduleProgress progress_;
  std::vector<int64_t> filled_;       ///< By store: the row up to which it was filled.
  std::vector<int64_t> freed_;        ///< By store: the row up to which it was given back.
  int64_t live_bytes_ = 0;            ///< Of stores that are no bands.
  std::vector<int64_t> whole_peaks_;  ///< The most of those, by stage.
  Occupancy found_;
};

}  // namespace

Occupancy simulate(const Schedule& schedule, const std::vector<int64_t>& row_bytes) {
  return Simulation(schedule, row_bytes).run();
}

Schedule with_capacities(Schedule schedule, int spare_bands, int64_t spare_pixel_rows) {
  const std::vector<int64_t> no_bytes(schedule.stores().size(), 0);
  const Occupancy seen = simulate(schedule, no_bytes);
  for (size_t i = 0; i < seen.rows.size(); ++i) {
    const Store& s = schedule.stores()[i];
    if (!s.is_band) continue;
    int64_t band_rows = 0;
    const auto count = [&](TaskId task) {
      band_rows = std::max(band_rows, schedule.task(task).bands.front().rows.size());
    };
    for (const TaskId writer : s.writers) count(writer);
    for (const TaskInput& reader : s.readers) {
      if (s.kind == StoreKind::kGradient) count(reader.task);
    }
    const int64_t spare =
        spare_bands * band_rows + (s.kind == StoreKind::kPixels ? spare_pixel_rows : 0);
    schedule.set_capacity(static_cast<StoreId>(i), std::max<int64_t>(1, seen.rows[i]) + spare);
  }
  return schedule;
}

}  // namespace untiled
