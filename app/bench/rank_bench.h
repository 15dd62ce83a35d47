// `bench ranks`: how a training step scales over the ranks of this machine.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/bench/rank_report.h"
#include "app/config/settings.h"
#include "lib/core/region.h"
#include "lib/ranks/group.h"

namespace untiled {

/// A network that is measured.
struct RankBenchNetwork {
  std::string name;  ///< For people.
  Settings settings;
  Extent part;  ///< Pixels of a rank in weak scaling; as many for each rank are strong scaling's.
};

struct RankBenchOptions {
  std::vector<RankBenchNetwork> networks;
  std::vector<int> counts;    ///< Of ranks, rising, from 1 on.
  int steps = 3;              ///< Of which medians are taken, each after one that warms up.
  bool as_processes = false;  ///< Else ranks are threads of this process.
  std::string name;           ///< Of the machine; empty: as its maker calls it.
};

/// Runs a body on the first so many ranks. Every process calls it alike.
using RankLauncher = std::function<void(int count, const std::function<void(Group&)>& body)>;

/// Measures, by network and number of ranks: one slide over all of them (strong scaling), a slide
/// that grows with them (weak), a slide on each (data parallel). Pixels are noise in memory. All
/// of a network are measured in rounds, a step of each at a time. Each step is split into
/// computing, messages (halos), sums and waiting for other ranks, means over the ranks. Beside them
/// stands what the model says, fitted to one rank here. Every process of several calls it; the
/// report is that of the process that `leads`, empty on the others. Throws ConfigError,
/// Interrupted.
RankBenchReport run_rank_benchmark(const RankBenchOptions& options, const RankLauncher& launch,
                                   bool leads);

}  // namespace untiled
