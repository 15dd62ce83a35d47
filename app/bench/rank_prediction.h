// What the model says of a network over up to 2,304 ranks.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lib/network/graph.h"
#include "lib/plan/rank_model.h"

namespace untiled {

/// What grows with the number of ranks.
enum class Scaling {
  kStrong,        ///< Nothing: one slide.
  kWeak,          ///< The slide.
  kDataParallel,  ///< The slides: one a rank.
  kMixed,         ///< Nothing: several slides, each on several ranks.
};

/// "data parallel", for people and JSON.
std::string name_of(Scaling scaling);

/// In files the name of the machine that the file is of.
inline constexpr const char* kFittedMachine = "this machine";

/// {seconds, parts: {compute, halo, sums}}.
nlohmann::ordered_json to_json(const RankTime& time);

/// A machine, and the network that its rate was fitted to.
nlohmann::ordered_json to_json(const RankMachine& machine, const std::string& network);

/// A step that was computed by the model, not measured.
struct ModelledStep {
  std::string network;
  std::string machine;
  Scaling scaling = Scaling::kStrong;
  int64_t ranks = 1;  ///< In all.
  int64_t slides = 1;
  int64_t side = 0;  ///< Of each slide, in pixels.
  RankTime time;
  double efficiency = 0.0;  ///< Against one rank.

  double slides_per_second() const { return static_cast<double>(slides) / time.total(); }
};
/// The row says that it is modelled.
nlohmann::ordered_json to_json(const ModelledStep& step);

/// A slide of 22,528 x 22,528 pixels over 1 to 2,304 ranks, 1,408 x 1,408 pixels on each of as
/// many, and 2,304 ranks with 16 to 2,304 slides.
std::vector<ModelledStep> model_steps(const std::string& network, const Graph& graph, Halos halos,
                                      const RankMachine& machine);

}  // namespace untiled
