#include "app/bench/rank_bench.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <future>
#include <memory>
#include <optional>

#include "app/bench/rank_links.h"
#include "app/pipeline/rank_step.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/core/statistics.h"
#include "lib/core/stop.h"
#include "lib/core/stopwatch.h"
#include "lib/core/thread_silence.h"
#include "lib/ranks/timed_group.h"

namespace untiled {
namespace {

/// One step: seconds, those of processors of all ranks together, and means over the ranks.
struct StepTimes {
  double seconds = 0.0;
  double cpu_seconds = 0.0;
  GroupTimes group;

  double compute() const { return seconds - group.messages - group.sums - group.waiting; }
};

struct RankMeasurement {
  Scaling scaling = Scaling::kStrong;
  int ranks = 1;
  RankSlides slides;
  RankCase asked = {};  ///< What the model is to say of it.
  std::vector<StepTimes> steps = {};
  int64_t memory_bytes_per_rank = 0;  ///< Beside the pixels; 0: not known here.

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

RankSlides noise_slides(const Settings& settings, const Extent& extent) {
  constexpr uint64_t kSeed = 1;
  RankSlides slides;
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

/// A small step: what the first one of a process loads and keeps is no rank's memory.
void load_code(const Settings& settings) {
  std::async(std::launch::async, [&] {
    silence_thread();
    time_tile(settings);
  }).get();
}

class RankBenchmark {
 public:
  RankBenchmark(const RankBenchOptions& options, const RankLauncher& launch, bool leads)
      : options_(options), launch_(launch), leads_(leads) {
    if (leads) progress_.emplace("bench ranks", runs());
  }

  RankBenchReport run();

 private:
  /// Of each network the strong, the weak and the data parallel ones.
  int64_t runs() const {
    const size_t measured = 3 * options_.counts.size() - 2;
    return options_.steps * static_cast<int64_t>(options_.networks.size() * measured);
  }
  int most() const { return options_.counts.back(); }
  void measure_network(const RankBenchNetwork& network);
  std::vector<RankMeasurement> plan(const RankBenchNetwork& network) const;
  void take_step(const RankBenchNetwork& network, RankMeasurement& measured);
  int64_t memory_per_rank(Group& ranks, int64_t before) const;
  RankMachine fit(const RankBenchNetwork& network, const RankMeasurement& one) const;
  void report(const RankBenchNetwork& network, const std::vector<RankMeasurement>& all);

  RankBenchOptions options_;
  RankLauncher launch_;
  bool leads_;
  RankLinks links_;
  RankBenchReport report_;
  std::optional<Progress> progress_;
};

/// Peaks of processes count one by one, that of one process is shared by its ranks.
int64_t RankBenchmark::memory_per_rank(Group& ranks, int64_t before) const {
  std::array<int64_t, 1> bytes = {peak_resident_bytes() - before};
  if (options_.as_processes) ranks.sum(bytes);
  return bytes.front() / ranks.size();
}

/// One step after one that warms up.
void RankBenchmark::take_step(const RankBenchNetwork& network, RankMeasurement& measured) {
  if (progress_) {
    progress_->set_status(
        fmt::format("{}, {}, {} ranks", network.name, name_of(measured.scaling), measured.ranks));
  }
  return_heap_memory();
  const bool knows_memory = reset_peak_resident();
  const int64_t before = resident_bytes();
  launch_(measured.ranks, [&](Group& group) {
    at::set_num_threads(1);  // The tile workers have the cores.
    const auto step = make_silently(network.settings, measured.slides, group);
    timed_step(*step, group, options_.as_processes);
    const StepTimes times = timed_step(*step, group, options_.as_processes);
    const int64_t memory = memory_per_rank(group, before);
    if (group.rank() != 0) return;
    measured.steps.push_back(times);
    measured.asked = step->model_case();
    if (knows_memory) {
      measured.memory_bytes_per_rank = std::max(measured.memory_bytes_per_rank, memory);
    }
  });
  if (progress_) progress_->advance();
}

/// All but weak scaling on most ranks, which is the same step as strong scaling there.
std::vector<RankMeasurement> RankBenchmark::plan(const RankBenchNetwork& network) const {
  const auto slides_of = [&](int parts) {
    return noise_slides(network.settings, {network.part.rows * parts, network.part.cols});
  };
  const RankSlides all_rows = slides_of(most());
  std::vector<RankMeasurement> cases;
  for (const int ranks : options_.counts) cases.push_back({Scaling::kStrong, ranks, all_rows});
  for (const int ranks : options_.counts) {
    if (ranks < most()) cases.push_back({Scaling::kWeak, ranks, slides_of(ranks)});
  }
  for (const int ranks : options_.counts) {
    if (ranks == 1) continue;
    cases.push_back({Scaling::kDataParallel, ranks, all_rows});
    cases.back().slides.count = ranks;
  }
  return cases;
}

/// In rounds, so that what else the machine does in a while falls on all of them alike.
void RankBenchmark::measure_network(const RankBenchNetwork& network) {
  load_code(network.settings);
  std::vector<RankMeasurement> all = plan(network);
  for (int round = 0; round < options_.steps; ++round) {
    for (RankMeasurement& measured : all) take_step(network, measured);
  }
  if (!leads_) return;
  const auto largest = std::find_if(all.begin(), all.end(), [&](const RankMeasurement& m) {
    return m.scaling == Scaling::kStrong && m.ranks == most();
  });
  RankMeasurement weak = *largest;
  weak.scaling = Scaling::kWeak;
  const auto after_weak = std::find_if(all.begin(), all.end(), [](const RankMeasurement& m) {
    return m.scaling == Scaling::kDataParallel;
  });
  all.insert(after_weak, std::move(weak));
  report(network, all);
}

RankMachine RankBenchmark::fit(const RankBenchNetwork& network, const RankMeasurement& one) const {
  const RankMachine links{.name = kFittedMachine,
                          .latency = links_.latency,
                          .link_bandwidth = links_.link_bandwidth,
                          .sum_bandwidth = links_.sum_bandwidth};
  return fitted_to(links, network_of(network.settings), one.asked, one.middle().compute());
}

MeasuredSteps figures_of(const RankBenchNetwork& network, const RankMeasurement& m) {
  const StepTimes middle = m.middle();
  MeasuredSteps figures;
  figures.network = network.name;
  figures.threads = network.settings.threads;
  figures.scaling = m.scaling;
  figures.ranks = m.ranks;
  figures.slides = m.asked.slides;
  figures.grid = m.asked.grid;
  figures.extent = m.asked.pixels;
  figures.seconds = m.all(&StepTimes::seconds);
  figures.cpu_seconds = m.all(&StepTimes::cpu_seconds);
  figures.parts = {middle.compute(), middle.group.messages, middle.group.sums,
                   middle.group.waiting};
  figures.halo_bytes_per_rank = middle.group.message_bytes;
  figures.sum_bytes_per_rank = middle.group.sum_bytes;
  figures.memory_bytes_per_rank = m.memory_bytes_per_rank;
  return figures;
}

void RankBenchmark::report(const RankBenchNetwork& network,
                           const std::vector<RankMeasurement>& all) {
  const Graph graph = network_of(network.settings);
  const RankMachine machine = fit(network, all.front());
  const auto alone = [&](Scaling scaling) {
    return std::find_if(
               all.begin(), all.end(),
               [&](const RankMeasurement& m) { return m.scaling == scaling && m.ranks == 1; })
        ->median_seconds();
  };
  for (const RankMeasurement& m : all) {
    MeasuredSteps figures = figures_of(network, m);
    const bool is_strong = m.scaling == Scaling::kStrong;
    const double one = alone(m.scaling == Scaling::kWeak ? Scaling::kWeak : Scaling::kStrong);
    figures.efficiency =
        one / m.median_seconds() / (is_strong ? static_cast<double>(m.ranks) : 1.0);
    figures.modelled = model_step(graph, machine, m.asked);
    report_.measured.push_back(std::move(figures));
  }
  report_.models.push_back({network.name, machine});
  const bool is_unet = network.settings.model.kind == ModelKind::kUnet;
  const Halos halos = is_unet ? Halos::kComputed : Halos::kExchanged;
  const auto model_on = [&](const RankMachine& which) {
    const auto steps = model_steps(network.name, graph, halos, which);
    report_.modelled.insert(report_.modelled.end(), steps.begin(), steps.end());
  };
  model_on(machine);
  // GPUs are modelled as the published study used them.
  if (!is_unet) model_on(summit_like_gpu());
}

RankBenchReport RankBenchmark::run() {
  launch_(most(), [&](Group& ranks) {
    const RankLinks links = measure_links(ranks);
    if (ranks.rank() == 0) links_ = links;
  });
  for (const RankBenchNetwork& network : options_.networks) measure_network(network);
  if (!leads_) return {};
  report_.name = options_.name.empty() ? machine_name("cpu") : options_.name;
  report_.machine = describe_machine();
  report_.versions = describe_versions();
  report_.are_processes = options_.as_processes;
  report_.steps_per_row = options_.steps;
  return std::move(report_);
}

}  // namespace

RankBenchReport run_rank_benchmark(const RankBenchOptions& options, const RankLauncher& launch,
                                   bool leads) {
  return RankBenchmark(options, launch, leads).run();
}

}  // namespace untiled
