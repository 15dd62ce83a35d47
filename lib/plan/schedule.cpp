#include "lib/plan/schedule.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace untiled {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

/// For each band the first row of an input that it or a later band needs.
std::vector<int64_t> first_needed(const std::vector<Band>& bands, size_t input) {
  std::vector<int64_t> rows(bands.size() + 1, kNever);
  for (size_t b = bands.size(); b-- > 0;) {
    const Interval& need = bands[b].needs[input];
    rows[b] = need.empty() ? rows[b + 1] : std::min(need.begin, rows[b + 1]);
  }
  return rows;
}

}  // namespace

Schedule::Schedule(std::vector<Task> tasks, std::vector<Store> stores)
    : tasks_(std::move(tasks)), stores_(std::move(stores)) {
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const auto id = static_cast<TaskId>(t);
    const Task& task = tasks_[t];
    stage_tasks_.resize(std::max(stage_tasks_.size(), static_cast<size_t>(task.stage) + 1));
    stage_tasks_[static_cast<size_t>(task.stage)].push_back(id);
    for (const StoreId written : task.writes) stores_[index(written)].writers.push_back(id);
    auto& first = first_needed_.emplace_back();
    for (size_t input = 0; input < task.inputs.size(); ++input) {
      stores_[index(task.inputs[input])].readers.push_back({id, input});
      first.push_back(first_needed(task.bands, input));
    }
  }
  // A later segment adds before an earlier one: the order of the way back.
  for (size_t t = 0; t < tasks_.size(); ++t) {
    for (size_t input = 0; input < tasks_[t].adds.size(); ++input) {
      const StoreId target = tasks_[t].adds[input];
      if (target == kNoStore) continue;
      auto& adders = stores_[index(target)].adders;
      const auto place = std::find_if(adders.begin(), adders.end(), [&](const TaskInput& other) {
        return task(other.task).segment < tasks_[t].segment;
      });
      adders.insert(place, {static_cast<TaskId>(t), input});
    }
  }
  for (Store& s : stores_) {
    if (s.capacity == 0) s.capacity = s.rows;
  }
}

void Schedule::set_capacity(StoreId id, int64_t rows) {
  Store& s = stores_[index(id)];
  s.capacity = std::min(rows, s.rows);
}

/// How many bands of a task make all rows of its target below `row`.
int64_t Schedule::bands_that_make(TaskId id, int64_t row) const {
  const std::vector<Band>& bands = task(id).bands;
  const auto found = std::lower_bound(bands.begin(), bands.end(), row,
                                      [](const Band& b, int64_t r) { return b.rows.end < r; });
  const auto before = found - bands.begin();
  return row <= 0 ? 0 : std::min<int64_t>(before + 1, static_cast<int64_t>(bands.size()));
}

/// How many bands must be done before none needs rows of an input below `row` any more.
int64_t Schedule::bands_past(const TaskInput& user, int64_t row) const {
  const std::vector<int64_t>& first = first_needed_[index(user.task)][user.input];
  return std::lower_bound(first.begin(), first.end(), row) - first.begin();
}

void Schedule::add_sources(const Task& task, const Band& band, std::vector<Wait>& waits) const {
  for (size_t input = 0; input < task.inputs.size(); ++input) {
    if (band.needs[input].empty()) continue;
    const Store& source = store(task.inputs[input]);
    for (const TaskId writer : source.writers) {
      waits.push_back({writer, bands_that_make(writer, band.needs[input].end)});
    }
    for (const TaskInput& adder : source.adders) {
      waits.push_back({adder.task, bands_past(adder, band.needs[input].end)});
    }
  }
}

void Schedule::add_gradients(TaskId id, const Band& band, std::vector<Wait>& waits) const {
  const Task& adding = task(id);
  for (size_t input = 0; input < adding.adds.size(); ++input) {
    const StoreId target = adding.adds[input];
    if (target == kNoStore || band.needs[input].empty()) continue;
    for (const TaskInput& earlier : store(target).adders) {
      if (earlier.task == id) break;
      waits.push_back({earlier.task, bands_past(earlier, band.needs[input].end)});
    }
  }
}

void Schedule::add_room(StoreId id, int64_t end, std::vector<Wait>& waits) const {
  const Store& s = store(id);
  if (s.capacity >= s.rows) return;
  const int64_t row = end - s.capacity;
  for (const TaskInput& reader : s.readers) {
    waits.push_back({reader.task, bands_past(reader, row)});
  }
  // A reader whose bands have no tiles is past rows that are still being written: whoever fills the
  // store waits for those too, or a late tile would leave an old row in a new one's place.
  for (const TaskId writer : s.writers) waits.push_back({writer, bands_that_make(writer, row)});
  for (const TaskInput& adder : s.adders) {
    waits.push_back({adder.task, bands_past(adder, row)});
  }
}

std::vector<Wait> Schedule::waits(TaskId id, int64_t number) const {
  const Task& waiting = task(id);
  const Band& band = waiting.bands[static_cast<size_t>(number)];
  std::vector<Wait> waits;
  add_sources(waiting, band, waits);
  add_gradients(id, band, waits);
  for (const auto& [filled, end] : fills(id, number)) add_room(filled, end, waits);
  // Every band waits for the stages before, for the first one may have no tiles.
  for (int stage = 0; stage < waiting.stage; ++stage) {
    for (const TaskId earlier : stage_tasks_[static_cast<size_t>(stage)]) {
      waits.push_back({earlier, static_cast<int64_t>(task(earlier).bands.size())});
    }
  }
  std::erase_if(waits, [](const Wait& w) { return w.bands <= 0; });
  return waits;
}

int64_t Schedule::first_kept_row(StoreId id, const std::vector<int64_t>& done) const {
  int64_t row = store(id).rows;
  for (const TaskInput& reader : store(id).readers) {
    const auto next = static_cast<size_t>(done[index(reader.task)]);
    row = std::min(row, first_needed_[index(reader.task)][reader.input][next]);
  }
  return row;
}

bool Schedule::is_finished(StoreId id, const std::vector<int64_t>& done) const {
  const auto has_ended = [&](TaskId user) {
    return done[index(user)] == static_cast<int64_t>(task(user).bands.size());
  };
  const Store& s = store(id);
  const auto input_has_ended = [&](const TaskInput& user) { return has_ended(user.task); };
  return std::all_of(s.writers.begin(), s.writers.end(), has_ended) &&
         std::all_of(s.adders.begin(), s.adders.end(), input_has_ended) &&
         std::all_of(s.readers.begin(), s.readers.end(), input_has_ended);
}

int64_t Schedule::tallest_use(StoreId id) const {
  int64_t rows = 0;
  for (const TaskInput& reader : store(id).readers) {
    for (const Band& band : task(reader.task).bands) {
      rows = std::max(rows, band.needs[reader.input].size());
    }
  }
  for (const TaskId writer : store(id).writers) {
    for (const Band& band : task(writer).bands) rows = std::max(rows, band.rows.size());
  }
  return rows;
}

std::vector<std::pair<StoreId, int64_t>> Schedule::fills(TaskId id, int64_t number) const {
  const Task& filling = task(id);
  const Band& band = filling.bands[static_cast<size_t>(number)];
  std::vector<std::pair<StoreId, int64_t>> filled;
  for (const StoreId written : filling.writes) filled.emplace_back(written, band.rows.end);
  for (size_t input = 0; input < filling.adds.size(); ++input) {
    if (filling.adds[input] == kNoStore || band.needs[input].empty()) continue;
    filled.emplace_back(filling.adds[input], band.needs[input].end);
  }
  return filled;
}

}  // namespace untiled
