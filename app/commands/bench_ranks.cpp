#include "app/commands/bench_ranks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/bench/rank_bench.h"
#include "app/commands/options.h"
#include "app/commands/rank_options.h"
#include "app/commands/size_argument.h"
#include "app/config/load.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/json_text.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/ranks/alone.h"
#include "lib/ranks/thread_ranks.h"
#include "lib/ranks/world.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

struct RanksFlags {
  fs::path out;
  std::string name;
  std::string network = "both";
  std::string unet_part = "8192x4096";
  std::string resnet_part = "2048x1024";
  std::vector<std::string> settings;
  int steps = 3;
  int threads = 1;
};

/// configs/resnet_slide.yaml's network.
const std::vector<std::string> kClassifier = {"model.kind=resnet", "model.depth=18",
                                              "model.width=16", "data.labels=[negative, positive]",
                                              "train.loss=cross_entropy"};

RankBenchNetwork network_of(const RanksFlags& flags, std::vector<std::string> settings,
                            const std::string& part) {
  settings.push_back(fmt::format("threads={}", flags.threads));
  settings.emplace_back("device=cpu");
  settings.insert(settings.end(), flags.settings.begin(), flags.settings.end());
  RankBenchNetwork network{.name = {}, .settings = default_settings(settings), .part = {}};
  network.part = parse_size(part);
  const ModelSettings& model = network.settings.model;
  network.name = model.kind == ModelKind::kResnet
                     ? fmt::format("ResNet-{}, width {}", model.depth, model.width)
                     : fmt::format("U-Net, widths {}", fmt::join(model.widths, " "));
  return network;
}

std::vector<RankBenchNetwork> networks_of(const RanksFlags& flags) {
  std::vector<RankBenchNetwork> networks;
  if (flags.network != "resnet") {
    networks.push_back(network_of(flags, {"train.loss=bce"}, flags.unet_part));
  }
  if (flags.network != "unet") {
    networks.push_back(network_of(flags, kClassifier, flags.resnet_part));
  }
  return networks;
}

/// 1, 2, 4 ... and `most`.
std::vector<int> doubled_up_to(int most) {
  std::vector<int> counts;
  for (int count = 1; count < most; count *= 2) counts.push_back(count);
  counts.push_back(most);
  return counts;
}

void print_steps(const MeasuredSteps& m) {
  fmt::print(
      "  {:<20} {:<13} {:>2} ranks, {:>2} of {} x {}: {:8.3f} s, {:3.0f} % (model {:.3f} s), "
      "{:.3f} s of cores; computing {:.3f}, halos {:.3f}, sums {:.3f}, waiting {:.3f}\n",
      m.network, name_of(m.scaling), m.ranks, m.slides, m.extent.rows, m.extent.cols,
      m.median_seconds(), 100.0 * m.efficiency, m.modelled.total(), m.median_cpu_seconds(),
      m.parts.compute, m.parts.halo, m.parts.sums, m.parts.waiting);
}

/// The slide is the same in both: shared by the ranks, or one on each.
void print_beside(const std::vector<MeasuredSteps>& all) {
  fmt::print("  the same slide shared by ranks, and one on each (data parallel):\n");
  const auto memory = [](const MeasuredSteps& m) {
    return m.memory_bytes_per_rank > 0 ? format_bytes(m.memory_bytes_per_rank)
                                       : std::string("unknown");
  };
  for (const MeasuredSteps& shared : all) {
    for (const MeasuredSteps& each : all) {
      const bool is_pair = shared.scaling == Scaling::kStrong &&
                           each.scaling == Scaling::kDataParallel &&
                           shared.network == each.network && shared.ranks == each.ranks;
      if (!is_pair) continue;
      fmt::print("    {:<18} {:>2} ranks: {:.3f} and {:.3f} s a slide, {} and {} a rank\n",
                 shared.network, shared.ranks, shared.seconds_per_slide(), each.seconds_per_slide(),
                 memory(shared), memory(each));
    }
  }
}

void print(const RankBenchReport& report) {
  fmt::print("{}, ranks are {}\n", printable(report.name), report.ranks_are());
  for (const MeasuredSteps& steps : report.measured) print_steps(steps);
  print_beside(report.measured);
}

/// Of threads every number is measured; of processes one, and all that were launched.
int measure(const RanksFlags& flags, bool json, RankBenchOptions options, Group* world) {
  const bool leads = world == nullptr || world->rank() == 0;
  std::optional<AtomicFile> out;  // What cannot be written is said before anything is measured.
  if (leads) out.emplace(flags.out);
  options.as_processes = world != nullptr;
  const RankLauncher launch = [&](int count, const std::function<void(Group&)>& body) {
    if (world == nullptr) return run_thread_ranks(count, body);
    if (count == world->size()) return body(*world);
    Alone alone;
    if (leads) body(alone);
    world->barrier();
  };
  const RankBenchReport report = run_rank_benchmark(options, launch, leads);
  if (!leads) return 0;
  const nlohmann::ordered_json document = to_json(report);
  out->write(json_text(document, 2) + "\n");
  out->commit();
  json ? print_json(document) : print(report);
  return 0;
}

void require_several(int ranks) {
  if (ranks < 2) throw ConfigError("bench ranks compares one rank with more: ask for two or more");
}

int bench_ranks(const RanksFlags& flags, bool json, const RanksOption& ranks) {
  RankBenchOptions options{.networks = networks_of(flags), .counts = {}, .steps = flags.steps};
  options.name = flags.name;
  const bool takes_cores = ranks->empty() && read_launch().size == 1;
  if (takes_cores || are_threads(ranks)) {
    const int most = takes_cores ? std::max(2, usable_cores()) : count_of(ranks);
    require_several(most);
    options.counts = doubled_up_to(most);
    return measure(flags, json, std::move(options), nullptr);
  }
  return run_ranks(ranks, [&](Group& world) {
    require_several(world.size());
    options.counts = {1, world.size()};
    return measure(flags, json, options, &world);
  });
}

}  // namespace

std::function<int()> define_bench_ranks(CLI::App& verb) {
  const auto flags = std::make_shared<RanksFlags>();
  verb.add_option("--out", flags->out, "File for the figures")
      ->check(refuse_empty)
      ->type_name("FILE.json")
      ->required();
  verb.add_option("--network", flags->network,
                  "unet (the default one), resnet (that of configs/resnet_slide.yaml) or both")
      ->check(CLI::IsMember({"unet", "resnet", "both"}))
      ->capture_default_str();
  verb.add_option("--unet-part", flags->unet_part,
                  "Pixels of each rank in weak scaling; as many for each of the most ranks are the "
                  "slide of strong scaling")
      ->type_name("ROWSxCOLUMNS")
      ->capture_default_str();
  verb.add_option("--resnet-part", flags->resnet_part,
                  "The same for the classifier, which is cut at multiples of 128 to 512 rows")
      ->type_name("ROWSxCOLUMNS")
      ->capture_default_str();
  verb.add_option("--steps", flags->steps, "Steps of which medians are taken")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb.add_option("--threads", flags->threads, "Threads of each rank")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb.add_option("--set", flags->settings, "A setting of the networks, such as model.width=32")
      ->type_name("KEY=VALUE");
  verb.add_option("--name", flags->name, "What to call this machine");
  const RanksOption ranks = add_ranks_option(verb);
  verb.get_option("--ranks")->description(
      "Most ranks: N processes, started with mpirun, beside one, or threads of this one, 1, 2, 4 "
      "... N; threads, one a usable core, by default");
  const auto json = add_json_flag(verb);
  return [=] { return bench_ranks(*flags, *json, ranks); };
}

}  // namespace untiled
