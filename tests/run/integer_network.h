// A network of integers, to see whether a player keeps the rules.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "lib/core/random.h"
#include "lib/plan/schedule_builder.h"
#include "lib/run/active_tiles.h"
#include "lib/run/player.h"
#include "models/unet_graph.h"

namespace untiled {

inline void run_threads(int count, const std::function<void()>& work) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

struct Problem {
  Extent pixels{400, 130};
  Extent tile{32, 48};
  int64_t cell_rows = 24;
  int64_t piece_cols = 50;
  Order order = Order::kSweep;
  Purpose purpose = Purpose::kGradients;
  bool keeps = false;   ///< Encoders keep their values for the way back.
  double active = 1.0;  ///< Part of the last segment's tiles.
  uint64_t seed = 1;
  /// What a test breaks on purpose: the rows that a band needs of an input, or nothing.
  std::function<Interval(const Interval&)> needs = [](const Interval& rows) { return rows; };
  bool adds_late = false;     ///< Every other tile's terms are added after the next tile's.
  bool keeps_pixels = false;  ///< Pixels are there without being read.
  /// Threads stop for a moment amid rows, now and then: tiles overtake each other.
  bool pauses = false;
};

/// Keeps for each row of each store who was there: bands of rows in rings, as with tensors, but one
/// number a row and a tile's column. No lock: a rule that a player breaks is a race.
class IntegerNetwork : public TileBody {
 public:
  explicit IntegerNetwork(const Problem& p)
      : graph_(unet_graph({}, 1)),
        plan_(plan_of(graph_, p)),
        extents_(graph_.extents(p.pixels)),
        schedule_(with_needs(
            make_schedule(graph_, plan_, extents_,
                          {.cell_rows = p.cell_rows, .are_kept = p.keeps_pixels}, p.purpose),
            p.needs)),
        keeps_pixels_(p.keeps_pixels),
        pauses_(p.pauses),
        adds_late_(p.adds_late) {
    for (const SegmentPlan& s : plan_.segments) {
      tiles_.push_back(
          make_tiles(extents_[static_cast<size_t>(s.segment.target)], s, plan_.tiling));
    }
    Random random(p.seed);
    std::vector<bool> wanted(tiles_.back().size());
    for (size_t t = 0; t < wanted.size(); ++t) wanted[t] = random.uniform() < p.active;
    active_ = find_active(graph_, plan_, extents_, tiles_, wanted);
    for (const Task& task : schedule_.tasks()) {
      if (task.kind == TaskKind::kRead) {
        to_run_.push_back(add_pieces(task, p));
      } else {
        pieces_.emplace_back();
        const auto s = static_cast<size_t>(task.segment);
        to_run_.push_back(tiles_in_bands(tiles_[s], active_.of(task), task.bands));
      }
    }
    for (const Store& s : schedule_.stores()) {
      const int64_t cols = extents_[static_cast<size_t>(s.layer)].cols;
      rings_.emplace_back(static_cast<size_t>(s.capacity * cols), int64_t{-1});
      sums_.emplace_back(static_cast<size_t>(s.rows * cols), 0);
    }
    computed_ = std::vector<std::atomic<int>>(schedule_.tasks().size());
    left_ = std::vector<std::atomic<int>>(static_cast<size_t>(schedule_.stages()));
    for (size_t t = 0; t < to_run_.size(); ++t) {
      left_[static_cast<size_t>(schedule_.tasks()[t].stage)] +=
          static_cast<int>(to_run_[t].tiles.size());
    }
  }

  void play(const PlayOptions& options) {
    untiled::play(schedule_, to_run_, run_threads, options, *this);
  }

  /// Tiles of each task that ran.
  std::vector<int> computed() const { return {computed_.begin(), computed_.end()}; }
  std::vector<int> expected() const {
    std::vector<int> counts;
    for (const TaskTiles& t : to_run_) counts.push_back(static_cast<int>(t.tiles.size()));
    return counts;
  }
  /// What was added to every gradient, in the order in which it was.
  const std::vector<std::vector<int64_t>>& sums() const { return sums_; }
  int broken() const { return broken_; }
  std::function<void()> on_tile = [] {};

 private:
  static Plan plan_of(const Graph& graph, const Problem& p) {
    Plan plan = make_plan(graph, graph.storable_layers(), p.tile, Tiling::kGrid, p.order);
    for (SegmentPlan& s : plan.segments) {
      const bool is_encoder = graph.layer(s.segment.target).kind == LayerKind::kConv &&
                              s.segment.target != graph.output();
      if (is_encoder && p.keeps) s.kept = s.segment.layers;
    }
    return plan;
  }

  /// The same order with other needs, and stores as large as the right ones make them.
  static Schedule with_needs(const Schedule& right,
                             const std::function<Interval(const Interval&)>& needs) {
    std::vector<Task> tasks = right.tasks();
    for (Task& task : tasks) {
      for (Band& band : task.bands) {
        for (Interval& rows : band.needs) rows = needs(rows);
      }
    }
    std::vector<Store> stores = right.stores();
    for (Store& store : stores) {
      store.writers.clear();
      store.adders.clear();
      store.readers.clear();
    }
    return {std::move(tasks), std::move(stores)};
  }

  TaskTiles add_pieces(const Task& task, const Problem& p) {
    TaskTiles tiles;
    auto& pieces = pieces_.emplace_back();
    for (const Band& band : task.bands) {
      for (int64_t x = 0; x < p.pixels.cols && !p.keeps_pixels; x += p.piece_cols) {
        tiles.tiles.push_back(pieces.size());
        pieces.push_back({band.rows, clip({x, x + p.piece_cols}, p.pixels.cols)});
      }
      tiles.ends.push_back(tiles.tiles.size());
    }
    return tiles;
  }

  template <typename Visit>
  void for_cells(StoreId id, const Region& region, Visit visit) {
    const Store& s = schedule_.store(id);
    const int64_t cols = extents_[static_cast<size_t>(s.layer)].cols;
    for (int64_t y = region.rows.begin; y < region.rows.end; ++y) {
      for (int64_t x = region.cols.begin; x < region.cols.end; ++x) {
        if (pauses_) pause_now_and_then();
        visit(rings_[index(id)][static_cast<size_t>(y % s.capacity * cols + x)], y,
              static_cast<size_t>(y * cols + x));
      }
    }
  }

  static void pause_now_and_then() {
    static std::atomic<uint64_t> counter = 0;
    if (Random(counter++).below(3000) == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }

  void fill(StoreId id, const Region& region) {
    for_cells(id, region, [](int64_t& cell, int64_t y, size_t) { cell = y; });
  }
  void require_there(StoreId id, const Region& region) {
    if (keeps_pixels_ && schedule_.store(id).kind == StoreKind::kPixels) return;
    for_cells(id, region, [&](const int64_t& cell, int64_t y, size_t) {
      if (cell != y) ++broken_;
    });
  }

  std::function<void()> compute(TaskId id, size_t tile) override {
    on_tile();
    ++computed_[index(id)];
    require_ended_before(schedule_.task(id).stage);
    std::function<void()> commit = commit_of(id, tile);
    return [this, id, commit = std::move(commit)] {
      if (commit) commit();
      --left_[static_cast<size_t>(schedule_.task(id).stage)];
    };
  }

  void require_ended_before(int stage) {
    for (int earlier = 0; earlier < stage; ++earlier) {
      if (left_[static_cast<size_t>(earlier)] != 0) ++broken_;
    }
  }

  std::function<void()> commit_of(TaskId id, size_t tile) {
    const Task& task = schedule_.task(id);
    if (task.kind == TaskKind::kRead) {
      fill(task.writes.front(), pieces_[index(id)][tile]);
      return {};
    }
    const auto s = static_cast<size_t>(task.segment);
    const Segment& segment = plan_.segments[s].segment;
    const Region out = tiles_[s][tile].compute;
    const TileRegions need = tile_regions(graph_, segment, extents_, out);
    for (size_t i = 0; i < segment.inputs.size(); ++i) {
      require_there(task.inputs[i], need[static_cast<size_t>(segment.inputs[i])]);
    }
    if (task.kind == TaskKind::kForward) {
      for (const StoreId written : task.writes) fill(written, out);
    }
    if (task.kind == TaskKind::kBackward) {
      const std::vector<LayerId>& kept = plan_.segments[s].kept;
      for (size_t i = 0; i < kept.size(); ++i) {
        require_there(task.inputs[segment.inputs.size() + i], need[static_cast<size_t>(kept[i])]);
      }
      read_gradient(task.inputs.back(), out);
    }
    if (task.adds.empty()) return {};
    std::function<void()> commit = [this, &task, need, inputs = segment.inputs, id, tile] {
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (task.adds[i] == kNoStore) continue;
        add(task.adds[i], need[static_cast<size_t>(inputs[i])], index(id) * 1000 + tile);
      }
    };
    if (!adds_late_) return commit;
    return [this, commit = std::move(commit)]() mutable { add_late(std::move(commit)); };
  }

  /// For one thread: of two tiles the second one's terms come first.
  void add_late(std::function<void()> commit) {
    if (!late_) {
      late_ = std::move(commit);
      return;
    }
    commit();
    std::exchange(late_, nullptr)();
  }

  /// Not commutative, so that another order gives another sum.
  void add(StoreId id, const Region& region, size_t value) {
    for_cells(id, region, [&](int64_t& cell, int64_t y, size_t at) {
      cell = y;
      int64_t& sum = sums_[index(id)][at];
      sum = (sum * 31 + static_cast<int64_t>(value)) % 1000003;
    });
  }
  void read_gradient(StoreId id, const Region& region) {
    for_cells(id, region, [&](int64_t& cell, int64_t y, size_t at) {
      // Rows that nobody added to are zeros.
      if (cell != y && sums_[index(id)][at] != 0) ++broken_;
    });
  }
  void release(StoreId /*store*/, int64_t /*row*/, bool /*finished*/) override {}

  Graph graph_;
  Plan plan_;
  std::vector<Extent> extents_;
  Schedule schedule_;
  std::vector<std::vector<Tile>> tiles_;
  ActiveTiles active_;
  std::vector<TaskTiles> to_run_;
  std::vector<std::vector<Region>> pieces_;
  std::vector<std::vector<int64_t>> rings_;
  std::vector<std::vector<int64_t>> sums_;
  std::vector<std::atomic<int>> computed_;
  std::vector<std::atomic<int>> left_;  ///< Tiles by stage.
  std::atomic<int> broken_ = 0;
  bool keeps_pixels_;
  bool pauses_;
  bool adds_late_;
  std::function<void()> late_;
};

inline Problem random_problem(Random& random) {
  Problem p{.pixels = {1 + random.below(500), 1 + random.below(200)}};
  p.tile = {4 + random.below(60), 16 + random.below(60)};
  p.cell_rows = 1 + random.below(60);
  p.order = random.uniform() < 0.8 ? Order::kSweep : Order::kPasses;
  p.purpose = static_cast<Purpose>(random.below(3));
  p.keeps = p.order == Order::kSweep && random.uniform() < 0.6;
  p.active = random.uniform() < 0.5 ? 1.0 : 0.3;
  p.seed = static_cast<uint64_t>(random.below(1000));
  p.keeps_pixels = random.uniform() < 0.3;
  return p;
}

}  // namespace untiled
