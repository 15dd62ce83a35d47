#include "lib/run/player.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "lib/core/error.h"
#include "lib/core/stop.h"
#include "lib/plan/progress.h"

namespace untiled {
namespace {

/// Threads share the schedule's state under one lock and give it up while they compute.
class Player {
 public:
  Player(const Schedule& schedule, const std::vector<TaskTiles>& tiles, const PlayOptions& options,
         TileBody& body)
      : schedule_(schedule),
        tiles_(tiles),
        options_(options),
        body_(body),
        progress_(schedule),
        states_(schedule.tasks().size()),
        released_(schedule.stores().size(), 0),
        finished_(schedule.stores().size(), false) {
    for (size_t t = 0; t < states_.size(); ++t) count_done(static_cast<TaskId>(t));
  }

  void work() {
    std::unique_lock lock(mutex_);
    try {
      while (const std::optional<Job> job = next(lock)) run(*job, lock);
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      fail(std::current_exception());
    }
    changed_.notify_all();
  }

  void rethrow_failure() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  struct Job {
    TaskId task;
    size_t position = 0;  ///< Among the task's tiles.
  };
  struct State {
    size_t next = 0;  ///< Position of the first tile that nobody has taken.
    size_t turn = 0;  ///< Of the first one that is not done.
    bool is_committing = false;
    std::map<size_t, std::function<void()>> waiting;  ///< Computed, by position.
  };

  bool is_reading(TaskId task) const { return schedule_.task(task).kind == TaskKind::kRead; }
  bool has_failed() const { return error_ != nullptr; }

  bool has_ended() const {
    for (size_t t = 0; t < states_.size(); ++t) {
      if (!progress_.has_ended(static_cast<TaskId>(t))) return false;
    }
    return true;
  }

  /// Whether the next tile of a task may be taken. Results that wait for their turn take memory, so
  /// tiles are not taken far ahead of it.
  bool may_go_on(TaskId task) {
    const State& state = states_[index(task)];
    const TaskTiles& own = tiles_[index(task)];
    if (state.next == own.tiles.size()) return false;
    const int threads = options_.workers + options_.readers;
    if (state.waiting.size() >= static_cast<size_t>(threads)) return false;
    const auto band = std::upper_bound(own.ends.begin(), own.ends.end(), state.next);
    return progress_.may_begin(task, band - own.ends.begin());
  }

  std::optional<TaskId> choose() {
    const bool may_compute = computing_ < options_.workers;
    std::vector<TaskId> ready;
    for (size_t t = 0; t < states_.size(); ++t) {
      const auto id = static_cast<TaskId>(t);
      if (!may_compute && !is_reading(id)) continue;
      if (!may_go_on(id)) continue;
      if (!options_.choose) return id;
      ready.push_back(id);
    }
    if (ready.empty()) return std::nullopt;
    return ready[options_.choose(ready.size())];
  }

  /// Waits for a tile; none when all are done or somebody has failed.
  std::optional<Job> next(std::unique_lock<std::mutex>& lock) {
    while (!has_failed() && !has_ended()) {
      if (const std::optional<TaskId> task = choose()) {
        ++running_;
        if (!is_reading(*task)) ++computing_;
        return Job{*task, states_[index(*task)].next++};
      }
      if (running_ == 0) throw InternalError("no tile of the schedule can run");
      changed_.wait(lock);
    }
    return std::nullopt;
  }

  void run(const Job& job, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    throw_if_stopped();
    std::function<void()> commit =
        body_.compute(job.task, tiles_[index(job.task)].tiles[job.position]);
    lock.lock();
    if (!is_reading(job.task)) --computing_;
    states_[index(job.task)].waiting.emplace(job.position, std::move(commit));
    commit_in_turn(job.task, lock);
    --running_;
    changed_.notify_all();
  }

  /// Commits what can be, unless another thread does: it looks for the next turn when it is done.
  void commit_in_turn(TaskId task, std::unique_lock<std::mutex>& lock) {
    State& state = states_[index(task)];
    if (state.is_committing) return;
    state.is_committing = true;
    while (!has_failed() && !state.waiting.empty() && state.waiting.begin()->first == state.turn) {
      auto commit = state.waiting.extract(state.waiting.begin());
      lock.unlock();
      if (commit.mapped()) commit.mapped()();
      commit = {};  // What the result holds goes before others may leave theirs.
      lock.lock();
      ++state.turn;
      if (count_done(task)) release_passed(task, lock);
    }
    state.is_committing = false;
  }

  /// Bands whose tiles are all done, those without a tile included. Whether there are more now.
  bool count_done(TaskId task) {
    const std::vector<size_t>& ends = tiles_[index(task)].ends;
    const auto open = std::upper_bound(ends.begin(), ends.end(), states_[index(task)].turn);
    const int64_t done = open - ends.begin();
    if (done == progress_.done()[index(task)]) return false;
    progress_.set_done(task, done);
    return true;
  }

  void release_passed(TaskId task, std::unique_lock<std::mutex>& lock) {
    changed_.notify_all();
    struct Passed {
      StoreId store;
      int64_t row;
      bool finished;
    };
    std::vector<Passed> passed;
    for (const StoreId id : schedule_.task(task).inputs) {
      const Store& store = schedule_.store(id);
      const bool finished = schedule_.is_finished(id, progress_.done());
      const int64_t row = store.releases_rows ? schedule_.first_kept_row(id, progress_.done()) : 0;
      if (row <= released_[index(id)] && finished == finished_[index(id)]) continue;
      released_[index(id)] = row;
      finished_[index(id)] = finished;
      passed.push_back({id, row, finished});
    }
    if (passed.empty()) return;
    lock.unlock();
    for (const Passed& p : passed) body_.release(p.store, p.row, p.finished);
    lock.lock();
  }

  void fail(const std::exception_ptr& error) {
    if (!error_) error_ = error;
    changed_.notify_all();
  }

  const Schedule& schedule_;
  const std::vector<TaskTiles>& tiles_;
  const PlayOptions& options_;
  TileBody& body_;
  std::mutex mutex_;
  std::condition_variable changed_;
  ScheduleProgress progress_;
  std::vector<State> states_;      ///< By task.
  std::vector<int64_t> released_;  ///< By store: the row below which it was released.
  std::vector<bool> finished_;     ///< By store.
  int running_ = 0;                ///< Tiles that are being computed or committed.
  int computing_ = 0;              ///< Those of them that do not read.
  std::exception_ptr error_;
};

}  // namespace

void play(const Schedule& schedule, const std::vector<TaskTiles>& tiles, const RunThreads& threads,
          const PlayOptions& options, TileBody& body) {
  Player player(schedule, tiles, options, body);
  threads(options.workers + options.readers, [&] { player.work(); });
  player.rethrow_failure();
}

}  // namespace untiled
