#include "app/bench/rank_bench.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/bench/machine.h"
#include "app/bench/rank_links.h"
#include "app/bench/rank_prediction.h"
#include "app/bench/rank_step.h"
#include "app/bench/repeats.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/core/statistics.h"
#include "lib/core/stop.h"
#include "lib/core/stopwatch.h"
#include "lib/core/thread_silence.h"
#include "lib/ranks/timed_group.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

/// One step: seconds, those of processors of all ranks together, and means over the ranks.
struct StepTimes {
  double seconds = 0.0;
  double cpu_seconds = 0.0;
  GroupTimes group;

  double compute() const { return seconds - group.messages - group.sums - group.waiting; }
};

struct RankMeasurement {
  Scaling scaling = Scaling::kStrong;
  RankCase asked;  ///< What the model is to say of it.
  std::vector<StepTimes> steps;
  int64_t memory_bytes_per_rank = 0;  ///< Beside the pixels; 0: not known here.

  int64_t ranks() const { return asked.ranks(); }
  std::vector<double> all(double StepTimes::*what) const {
    std::vector<double> values;
    for (const StepTimes& s : steps) values.push_back(s.*what);
    return values;
  }
  double median_seconds() const { return median(all(&StepTimes::seconds)); }
  /// The step that took the median, the lower one of an even number.
  StepTimes middle() const {
    std::vector<StepTimes> sorted = steps;
    std::sort(sorted.begin(), sorted.end(),
              [](const StepTimes& a, const StepTimes& b) { return a.seconds < b.seconds; });
    return sorted[(sorted.size() - 1) / 2];
  }
};

/// Means over the ranks. A collective call.
GroupTimes mean_over(Group& ranks, const GroupTimes& own) {
  constexpr double kNano = 1e-9;
  const auto whole = [&](double seconds) { return static_cast<int64_t>(seconds / kNano); };
  std::array<int64_t, 5> all = {whole(own.messages), whole(own.sums), whole(own.waiting),
                                own.message_bytes, own.sum_bytes};
  ranks.sum(all);
  const auto mean = [&](int64_t nanoseconds) {
    return kNano * static_cast<double>(nanoseconds) / ranks.size();
  };
  return {mean(all[0]), mean(all[1]), mean(all[2]), all[3] / ranks.size(), all[4] / ranks.size()};
}

/// Of all ranks together. A collective call of processes.
double sum_over_processes(Group& ranks, bool are_processes, double seconds) {
  if (!are_processes) return seconds;
  constexpr double kNano = 1e-9;
  std::array<int64_t, 1> all = {static_cast<int64_t>(seconds / kNano)};
  ranks.sum(all);
  return kNano * static_cast<double>(all.front());
}

StepTimes timed_step(RankStep& step, Group& ranks, bool are_processes) {
  throw_if_stopped();
  TimedGroup timed(ranks);
  ranks.barrier();
  const Stopwatch watch;
  const double cpu_before = cpu_seconds();
  step.run(timed);
  timed.barrier();
  const double seconds = watch.seconds();
  const double cpu = cpu_seconds() - cpu_before;
  return {seconds, sum_over_processes(ranks, are_processes, cpu), mean_over(ranks, timed.times())};
}

RankSlides noise_slides(const Settings& settings, const Extent& extent, int64_t count) {
  constexpr uint64_t kSeed = 1;
  RankSlides slides{.count = count};
  slides.pixels = std::make_shared<HeldImage>(noise_pixels(extent, 3, 256, kSeed));
  if (settings.model.kind == ModelKind::kUnet) {
    slides.labels = std::make_shared<HeldImage>(noise_pixels(extent, 1, 2, kSeed + 1));
  }
  return slides;
}

/// Made by a silent thread: each rank would say anew which device it takes.
std::unique_ptr<RankStep> make_silently(const Settings& settings, const RankSlides& slides,
                                        const Group& ranks) {
  return std::async(std::launch::async,
                    [&] {
                      silence_thread();
                      return make_rank_step(settings, slides, ranks);
                    })
      .get();
}

class RankBenchmark {
 public:
  RankBenchmark(const RankBenchOptions& options, const RankLauncher& launch, bool leads)
      : options_(options), launch_(launch), leads_(leads) {
    if (leads) progress_.emplace("bench ranks", runs());
  }

  Json run();

 private:
  int64_t runs() const {
    return static_cast<int64_t>(options_.networks.size() * (3 * options_.counts.size() - 2) + 1);
  }
  int most() const { return options_.counts.back(); }
  void measure_network(const RankBenchNetwork& network);
  RankMeasurement measure(const RankBenchNetwork& network, Scaling scaling, int ranks,
                          const Extent& extent, int64_t slides);
  int64_t memory_per_rank(Group& ranks, int64_t before) const;
  RankMachine fit(const RankBenchNetwork& network, const RankMeasurement& one) const;
  void report(const RankBenchNetwork& network, const std::vector<RankMeasurement>& all);

  RankBenchOptions options_;
  RankLauncher launch_;
  bool leads_;
  RankLinks links_;
  Json rows_ = Json::array();
  Json models_ = Json::array();
  Json modelled_ = Json::array();
  std::optional<Progress> progress_;
};

/// Peaks of processes count one by one, that of one process is shared by its ranks.
int64_t RankBenchmark::memory_per_rank(Group& ranks, int64_t before) const {
  std::array<int64_t, 1> bytes = {peak_resident_bytes() - before};
  if (options_.as_processes) ranks.sum(bytes);
  return bytes.front() / ranks.size();
}

RankMeasurement RankBenchmark::measure(const RankBenchNetwork& network, Scaling scaling, int ranks,
                                       const Extent& extent, int64_t slides) {
  if (progress_)
    progress_->set_status(fmt::format("{}, {}, {} ranks", network.name, name_of(scaling), ranks));
  const RankSlides input = noise_slides(network.settings, extent, slides);
  RankMeasurement measured{.scaling = scaling};
  return_heap_memory();
  const bool knows_memory = reset_peak_resident();
  const int64_t before = resident_bytes();
  launch_(ranks, [&](Group& group) {
    at::set_num_threads(1);  // The tile workers have the cores.
    const auto step = make_silently(network.settings, input, group);
    std::vector<StepTimes> steps;
    for (int i = 0; i <= options_.steps; ++i) {
      steps.push_back(timed_step(*step, group, options_.as_processes));
    }
    const int64_t memory = memory_per_rank(group, before);
    if (group.rank() != 0) return;
    measured.steps.assign(steps.begin() + 1, steps.end());  // The first one warms up.
    measured.memory_bytes_per_rank = knows_memory ? memory : 0;
    measured.asked = step->model_case();
  });
  if (progress_) progress_->advance();
  return measured;
}

void RankBenchmark::measure_network(const RankBenchNetwork& network) {
  const auto rows = [&](int parts) { return Extent{network.part.rows * parts, network.part.cols}; };
  std::vector<RankMeasurement> all;
  for (const int ranks : options_.counts) {
    all.push_back(measure(network, Scaling::kStrong, ranks, rows(most()), 1));
  }
  const RankMeasurement largest = all.back();
  for (const int ranks : options_.counts) {
    if (ranks < most()) all.push_back(measure(network, Scaling::kWeak, ranks, rows(ranks), 1));
  }
  all.push_back(largest);  // Of most ranks it is the same step.
  all.back().scaling = Scaling::kWeak;
  for (const int ranks : options_.counts) {
    if (ranks > 1)
      all.push_back(measure(network, Scaling::kDataParallel, ranks, rows(most()), ranks));
  }
  if (leads_) report(network, all);
}

RankMachine RankBenchmark::fit(const RankBenchNetwork& network, const RankMeasurement& one) const {
  const RankMachine links{.name = kFittedMachine,
                          .latency = links_.latency,
                          .link_bandwidth = links_.link_bandwidth,
                          .sum_bandwidth = links_.sum_bandwidth};
  return fitted_to(links, network_of(network.settings), one.asked, one.middle().compute());
}

Json row_of(const RankMeasurement& m) {
  const std::vector<double> seconds = m.all(&StepTimes::seconds);
  const std::vector<double> cpu = m.all(&StepTimes::cpu_seconds);
  const StepTimes middle = m.middle();
  Json row = {{"figures", "measured"},
              {"scaling", name_of(m.scaling)},
              {"ranks", m.ranks()},
              {"slides", m.asked.slides},
              {"grid_rows", m.asked.grid.rows},
              {"grid_columns", m.asked.grid.cols},
              {"rows", m.asked.pixels.rows},
              {"columns", m.asked.pixels.cols},
              {"seconds", seconds},
              {"median_seconds", m.median_seconds()},
              {"spread", spread(seconds)},
              {"cpu_seconds", cpu},
              {"median_cpu_seconds", median(cpu)},
              {"seconds_per_slide", m.median_seconds() / static_cast<double>(m.asked.slides)},
              {"parts",
               {{"compute", middle.compute()},
                {"halo", middle.group.messages},
                {"sums", middle.group.sums},
                {"waiting", middle.group.waiting}}},
              {"halo_bytes_per_rank", middle.group.message_bytes},
              {"sum_bytes_per_rank", middle.group.sum_bytes}};
  if (m.memory_bytes_per_rank > 0) row["memory_bytes_per_rank"] = m.memory_bytes_per_rank;
  return row;
}

void RankBenchmark::report(const RankBenchNetwork& network,
                           const std::vector<RankMeasurement>& all) {
  const Graph graph = network_of(network.settings);
  const RankMachine machine = fit(network, all.front());
  const auto alone = [&](Scaling scaling) {
    return std::find_if(
               all.begin(), all.end(),
               [&](const RankMeasurement& m) { return m.scaling == scaling && m.ranks() == 1; })
        ->median_seconds();
  };
  for (const RankMeasurement& m : all) {
    Json row = {{"network", network.name}, {"threads", network.settings.threads}};
    row.update(row_of(m));
    const bool is_strong = m.scaling == Scaling::kStrong;
    const double one = alone(m.scaling == Scaling::kWeak ? Scaling::kWeak : Scaling::kStrong);
    row["efficiency"] =
        one / m.median_seconds() / (is_strong ? static_cast<double>(m.ranks()) : 1.0);
    row["modelled"] = to_json(model_step(graph, machine, m.asked));
    rows_.push_back(std::move(row));
  }
  models_.push_back(to_json(machine, network.name));
  const bool is_unet = network.settings.model.kind == ModelKind::kUnet;
  const Halos halos = is_unet ? Halos::kComputed : Halos::kExchanged;
  append_modelled(modelled_, network.name, graph, halos, machine);
  if (is_unet) return;  // GPUs are modelled as the published study used them.
  append_modelled(modelled_, network.name, graph, halos, summit_like_gpu());
}

Json RankBenchmark::run() {
  launch_(most(), [&](Group& ranks) {
    const RankLinks links = measure_links(ranks);
    if (ranks.rank() == 0) links_ = links;
  });
  if (progress_) progress_->advance();
  for (const RankBenchNetwork& network : options_.networks) measure_network(network);
  if (!leads_) return {};
  return {{"kind", "measured"},
          {"name", options_.name.empty() ? machine_name("cpu") : options_.name},
          {"machine", describe_machine()},
          {"versions", describe_versions()},
          {"ranks_are", options_.as_processes ? "processes" : "threads"},
          {"steps_per_row", options_.steps},
          {"ranks", rows_},
          {"models", models_},
          {"modelled", modelled_}};
}

}  // namespace

Json run_rank_benchmark(const RankBenchOptions& options, const RankLauncher& launch, bool leads) {
  return RankBenchmark(options, launch, leads).run();
}

}  // namespace untiled
