// Rank 0 leads a run, the other ranks do what it calls for: it alone has the optimiser and the
// run's folder, and decides when to stop.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "app/config/settings.h"
#include "lib/ranks/group.h"
#include "lib/streaming/parameters.h"
#include "lib/train/trainer.h"

namespace untiled {

/// What all ranks do next.
struct RankCall {
  enum class Kind : int64_t { kGradients, kEvaluate, kMemory, kEnd };
  Kind kind = Kind::kEnd;
  int64_t step = 0;
  std::vector<size_t> slides;
};

/// All ranks get rank 0's. A collective call.
void broadcast_parameters(Group& ranks, const NamedTensors& parameters);

/// Rank 0 calls; parameters go along.
void send_call(Group& ranks, const RankCall& call, const NamedTensors& parameters);
/// The other ranks: does what rank 0 calls for, with its parameters, until it calls the end.
void follow_calls(Group& ranks, const NamedTensors& parameters,
                  const std::function<void(const RankCall&)>& gradients,
                  const std::function<void(const RankCall&)>& evaluate);

/// What ranks on several machines may have that rank 0 has not: other files, other processors. Of
/// settings all but the number of threads count. `instructions` decide last bits. A collective
/// call; throws ConfigError on all.
struct RankTraits {
  const Settings& settings;
  const std::vector<SlideRecord>& slides;
  std::string instructions;
  std::string advice;  ///< Where those differ.
};
void require_alike(Group& ranks, const RankTraits& traits);

/// The same of what is done with a checkpoint to the rows of a manifest.
void require_alike_work(Group& ranks, const Settings& settings,
                        const std::filesystem::path& checkpoint,
                        const std::filesystem::path& manifest);

/// Peaks of all ranks' processes; ranks of one process count once. A collective call.
RankMemory memory_of(Group& ranks);

/// The results that each slide's team has of some slides, on all ranks. `mine[i]` is empty where
/// another team worked on slide i; `leads`: whether this rank speaks for its team. Seconds and
/// reads are those of rank 0's own slides. A collective call.
std::vector<SlideGradients> unite(Group& ranks, std::vector<SlideGradients> mine, bool leads,
                                  const NamedTensors& parameters);

}  // namespace untiled
