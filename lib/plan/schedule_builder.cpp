#include "lib/plan/schedule_builder.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "lib/plan/simulate.h"

namespace untiled {
namespace {

/// Kinds of tasks that read pixels, by the windows that they share: of one, two and three windows.
int window_of(TaskKind kind, int windows) {
  if (windows == 1) return 0;
  if (kind == TaskKind::kBackward) return windows - 1;
  return windows == 2 || kind == TaskKind::kForward ? 0 : 1;
}

std::vector<Band> reading_bands(const PixelAccess& pixels, int64_t rows) {
  std::vector<Band> bands;
  for (int64_t begin = pixels.first_row; begin < rows; begin += pixels.cell_rows) {
    bands.push_back({clip({begin, begin + pixels.cell_rows}, rows), {}});
  }
  return bands;
}

class Builder {
 public:
  Builder(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
          const PixelAccess& pixels)
      : graph_(graph), plan_(plan), extents_(extents), pixels_(pixels) {
    begin_stores();
  }

  Schedule build(Purpose purpose) {
    const bool totals = purpose == Purpose::kGradientsWithTotals;
    const bool backward = purpose != Purpose::kPrediction;
    keeps_values_ = backward && !(totals && is_sweep());
    add_forward_tasks();
    if (totals) {
      add(TaskKind::kSums, last());
      begin_sweep_anew();
    }
    add(backward ? TaskKind::kLoss : TaskKind::kPredict, last());
    for (int s = last(); backward && s-- > 0;) add(TaskKind::kBackward, s);
    sort_by_preference();
    return {std::move(tasks_), std::move(stores_)};
  }

 private:
  bool is_sweep() const { return plan_.order == Order::kSweep; }
  int last() const { return static_cast<int>(plan_.segments.size()) - 1; }
  const SegmentPlan& segment(int s) const { return plan_.segments[static_cast<size_t>(s)]; }
  int64_t rows(LayerId id) const { return extents_[index(id)].rows; }

  void begin_stores() {
    values_.assign(graph_.layers().size(), kNoStore);
    gradients_.assign(graph_.layers().size(), kNoStore);
    windows_.clear();
  }

  void add_forward_tasks() {
    for (int s = 0; s < last(); ++s) add(TaskKind::kForward, s);
  }

  /// A second sweep makes what it needs once more: bands keep nothing.
  void begin_sweep_anew() {
    if (!is_sweep()) return;
    ++stage_;
    begin_stores();
    keeps_values_ = true;
    add_forward_tasks();
  }

  StoreId add_store(StoreKind kind, LayerId layer, bool is_band, bool releases_rows) {
    stores_.push_back({.kind = kind,
                       .layer = layer,
                       .rows = rows(layer),
                       .capacity = 0,
                       .is_band = is_band,
                       .releases_rows = releases_rows,
                       .writers = {},
                       .adders = {},
                       .readers = {}});
    return static_cast<StoreId>(stores_.size() - 1);
  }

  bool only_last_reads(LayerId id) const {
    for (int s = 0; s < last(); ++s) {
      if (segment(s).segment.reads(id)) return false;
    }
    return true;
  }

  StoreId value(LayerId id) {
    StoreId& held = values_[index(id)];
    if (held == kNoStore) {
      held = add_store(StoreKind::kValue, id, is_sweep(), is_sweep() || only_last_reads(id));
    }
    return held;
  }

  StoreId gradient(LayerId id) {
    StoreId& held = gradients_[index(id)];
    if (held == kNoStore) held = add_store(StoreKind::kGradient, id, is_sweep(), is_sweep());
    return held;
  }

  /// The window that a task reads, with the task that fills it. Pass by pass each has its own.
  StoreId window(TaskKind kind) {
    const int number = is_sweep() ? window_of(kind, plan_.windows) : stage_;
    const auto found = windows_.find(number);
    if (found != windows_.end()) return found->second;
    const StoreId id = add_store(StoreKind::kPixels, kPixelLayer, !pixels_.are_kept, true);
    Task reading{.kind = TaskKind::kRead, .stage = stage_, .name = "reading", .writes = {id}};
    reading.bands = reading_bands(pixels_, rows(kPixelLayer));
    tasks_.push_back(std::move(reading));
    return windows_[number] = id;
  }

  std::string name_of(TaskKind kind, int s) const {
    const std::string& target = graph_.layer(segment(s).segment.target).name;
    switch (kind) {
      case TaskKind::kSums:
        return "loss sums";
      case TaskKind::kLoss:
        return "loss and backward";
      case TaskKind::kBackward:
        return target + " backward";
      default:
        return target + " forward";
    }
  }

  void add(TaskKind kind, int s) {
    const Segment& layers = segment(s).segment;
    Task task{.kind = kind, .segment = s, .stage = stage_, .name = name_of(kind, s)};
    const bool adds = kind == TaskKind::kLoss || kind == TaskKind::kBackward;
    for (const LayerId input : layers.inputs) {
      task.inputs.push_back(input == kPixelLayer ? window(kind) : value(input));
      if (adds) task.adds.push_back(input == kPixelLayer ? kNoStore : gradient(input));
    }
    const std::vector<LayerId>& kept = segment(s).kept;
    if (kind == TaskKind::kForward) {
      task.writes.push_back(value(layers.target));
      // Nobody goes back from the sums of a loss.
      for (const LayerId id : kept) {
        if (id != layers.target && keeps_values_) task.writes.push_back(value(id));
      }
    }
    if (kind == TaskKind::kBackward) {
      for (const LayerId id : kept) task.inputs.push_back(value(id));
      task.inputs.push_back(gradient(layers.target));
    }
    task.bands = bands_of(task);
    tasks_.push_back(std::move(task));
    if (!is_sweep()) ++stage_;
  }

  std::vector<Band> bands_of(const Task& task) const {
    const SegmentPlan& s = segment(task.segment);
    const Extent target = extents_[static_cast<size_t>(s.segment.target)];
    std::vector<Band> bands;
    for (const TileRow& row : tile_rows(target, s, plan_.tiling)) {
      const TileRegions need =
          tile_regions(graph_, s.segment, extents_, {row.compute, {0, target.cols}});
      Band band{.rows = row.own, .needs = {}};
      for (const LayerId input : s.segment.inputs) {
        band.needs.push_back(need[index(input)].rows);
      }
      if (task.kind == TaskKind::kBackward) {
        for (const LayerId id : s.kept) band.needs.push_back(need[index(id)].rows);
        band.needs.push_back(row.compute);
      }
      bands.push_back(std::move(band));
    }
    return bands;
  }

  /// Stage by stage; in each of them the end of the chain first and what reads last.
  void sort_by_preference() {
    const auto rank = [](const Task& task) {
      switch (task.kind) {
        case TaskKind::kBackward:
          return std::tuple(task.stage, 0, task.segment);
        case TaskKind::kForward:
          return std::tuple(task.stage, 2, -task.segment);
        case TaskKind::kRead:
          return std::tuple(task.stage, 3, -static_cast<int>(task.writes.front()));
        default:
          return std::tuple(task.stage, 1, 0);
      }
    };
    std::stable_sort(tasks_.begin(), tasks_.end(),
                     [&](const Task& a, const Task& b) { return rank(a) < rank(b); });
  }

  const Graph& graph_;
  const Plan& plan_;
  const std::vector<Extent>& extents_;
  const PixelAccess& pixels_;
  std::vector<Task> tasks_;
  std::vector<Store> stores_;
  std::vector<StoreId> values_;     ///< By layer.
  std::vector<StoreId> gradients_;  ///< By layer.
  std::map<int, StoreId> windows_;
  int stage_ = 0;
  bool keeps_values_ = false;  ///< Whether forward tasks leave a way back what it takes.
};

}  // namespace

Schedule make_schedule(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
                       const PixelAccess& pixels, Purpose purpose, int spare_bands) {
  const int64_t spare_rows =
      ceil_div(pixels.spare_bytes, graph.layer(kPixelLayer).channels * extents.front().cols);
  return with_capacities(Builder(graph, plan, extents, pixels).build(purpose), spare_bands,
                         spare_rows);
}

std::vector<Task> tasks_of(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
                           const PixelAccess& pixels, Purpose purpose) {
  return Builder(graph, plan, extents, pixels).build(purpose).tasks();
}

int64_t tasks_that_read_pixels(const Graph& graph, const Plan& plan,
                               const std::vector<Extent>& extents, Purpose purpose) {
  const std::vector<Task> tasks = tasks_of(graph, plan, extents, {}, purpose);
  return std::count_if(tasks.begin(), tasks.end(), [&](const Task& task) {
    return task.kind != TaskKind::kRead &&
           plan.segments[static_cast<size_t>(task.segment)].segment.reads_pixels();
  });
}

std::vector<int64_t> row_bytes(const Schedule& schedule, const Graph& graph, const Plan& plan,
                               const std::vector<Extent>& extents, int64_t element_bytes,
                               bool pixels_are_kept) {
  std::vector<int64_t> bytes;
  for (const Store& s : schedule.stores()) {
    const bool spilled =
        std::find(plan.spilled.begin(), plan.spilled.end(), s.layer) != plan.spilled.end();
    const bool takes_none = spilled || (s.kind == StoreKind::kPixels && pixels_are_kept);
    const int64_t element = s.kind == StoreKind::kPixels ? 1 : element_bytes;
    bytes.push_back(takes_none ? 0
                               : graph.layer(s.layer).channels *
                                     extents[static_cast<size_t>(s.layer)].cols * element);
  }
  return bytes;
}

}  // namespace untiled
