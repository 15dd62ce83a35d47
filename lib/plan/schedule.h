// The order of a step as a value: tasks, the bands (rows of tiles) that each goes through, what a
// band waits for, and the stores that tasks read and write. No tensors, no threads.
//
// Two orders are made of the same tasks (schedule_builder.h). Pass by pass, each task waits until
// the one before has ended. In one sweep all follow each other down the slide, each band a halo
// behind those that it reads, and a store holds the rows between the task that makes them and the
// one that uses them last. `done`, the number of complete bands of each task, is the only state:
// every condition has the form done[x] >= n, so running a task never stops another from running.
// If one order of running completes with some capacities of the stores, every order does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/core/interval.h"
#include "lib/network/graph.h"

namespace untiled {

/// Index of a task or a store in its schedule.
enum class TaskId : int {};
enum class StoreId : int {};
constexpr size_t index(TaskId id) { return static_cast<size_t>(id); }
constexpr size_t index(StoreId id) { return static_cast<size_t>(id); }
inline constexpr StoreId kNoStore{-1};

enum class TaskKind {
  kRead,      ///< Decodes pixels into a window.
  kForward,   ///< Computes a segment's target and stores it.
  kSums,      ///< The last segment forward, for the sums of a loss whose gradient needs them.
  kPredict,   ///< The last segment forward, for what is made of its logits.
  kLoss,      ///< The last segment forward, its loss and its way back.
  kBackward,  ///< A segment forward once more and its way back.
};

/// One row of a task's tiles.
struct Band {
  Interval rows;  ///< What it completes: rows of the task's target, of the slide for kRead.
  /// The rows that it takes of each of the task's inputs; to those it adds gradients.
  std::vector<Interval> needs;
};

struct Task {
  TaskKind kind = TaskKind::kRead;
  int segment = -1;  ///< Index in the plan; -1 for kRead.
  /// Tasks of a stage begin when all of the stages before have ended.
  int stage = 0;
  std::string name;  ///< "encoder1.refine forward", for timings.
  /// Stores of the segment's inputs in their order; of kBackward then those of its kept layers and,
  /// last, the target's gradient.
  std::vector<StoreId> inputs;
  /// Gradients of the segment's inputs in their order, kNoStore for the slide; kLoss, kBackward.
  std::vector<StoreId> adds;
  /// Of kRead a window; of kForward the target's values, then those of its other kept layers.
  std::vector<StoreId> writes;
  std::vector<Band> bands;
};

/// Input `input` of a task.
struct TaskInput {
  TaskId task;
  size_t input = 0;
};

enum class StoreKind { kPixels, kValue, kGradient };

/// A layer's values or gradients, or a window of pixels (layer 0), from their first row to their
/// last use.
struct Store {
  StoreKind kind = StoreKind::kPixels;
  LayerId layer = kPixelLayer;
  int64_t rows = 0;
  /// Rows that it holds at a time; all of them where it is no band.
  int64_t capacity = 0;
  bool is_band = false;
  /// Whether rows are given back as they are passed; else the store goes as a whole.
  bool releases_rows = true;
  std::vector<TaskId> writers;    ///< One of pixels and values, none of gradients.
  std::vector<TaskInput> adders;  ///< Of gradients, in the order in which they add to a row.
  std::vector<TaskInput> readers;
};

/// Until so many bands of `task` are done.
struct Wait {
  TaskId task;
  int64_t bands = 0;
};

class Schedule {
 public:
  /// `tasks` in the order of preference: what frees rows goes before what makes more. Stores know
  /// their kind, layer, rows and bands; who uses them is found here. `tasks[i].bands` cover their
  /// target from its first row to its last, and what they need moves down with them.
  Schedule(std::vector<Task> tasks, std::vector<Store> stores);

  const std::vector<Task>& tasks() const { return tasks_; }
  const std::vector<Store>& stores() const { return stores_; }
  const Task& task(TaskId id) const { return tasks_[index(id)]; }
  const Store& store(StoreId id) const { return stores_[index(id)]; }
  int stages() const { return static_cast<int>(stage_tasks_.size()); }

  /// Gives a band store room for `rows` rows.
  void set_capacity(StoreId id, int64_t rows);

  /// All that a band waits for:
  /// 1. what it reads has been made;
  /// 2. the gradient that a way back begins with is complete: all who add to it are past the band;
  /// 3. those who add to a gradient before it are past the rows that it adds to;
  /// 4. the stores that it writes to have room: their readers are past what the new rows replace,
  ///    and so are those who write or add there (a tile may be late whose rows nobody reads);
  /// 5. the stages before its own have ended.
  std::vector<Wait> waits(TaskId task, int64_t band) const;

  /// Rows of a store below this one are not used again. `done`: complete bands by task.
  int64_t first_kept_row(StoreId id, const std::vector<int64_t>& done) const;
  /// Whether nobody uses a store any more.
  bool is_finished(StoreId id, const std::vector<int64_t>& done) const;
  /// The most rows of a store that a band takes or fills at a time.
  int64_t tallest_use(StoreId id) const;
  /// The stores that a band fills and the row up to which.
  std::vector<std::pair<StoreId, int64_t>> fills(TaskId task, int64_t band) const;

 private:
  int64_t bands_that_make(TaskId task, int64_t row) const;
  int64_t bands_past(const TaskInput& user, int64_t row) const;
  void add_room(StoreId id, int64_t end, std::vector<Wait>& waits) const;
  void add_sources(const Task& task, const Band& band, std::vector<Wait>& waits) const;
  void add_gradients(TaskId id, const Band& band, std::vector<Wait>& waits) const;

  std::vector<Task> tasks_;
  std::vector<Store> stores_;
  std::vector<std::vector<TaskId>> stage_tasks_;
  /// By task, input and band: the first row that this band or a later one needs.
  std::vector<std::vector<std::vector<int64_t>>> first_needed_;
};

}  // namespace untiled
