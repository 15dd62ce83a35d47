#include "app/bench/rank_prediction.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

/// The published study's slide, ranks and pixels a rank.
constexpr int64_t kSlideSide = 22528;
constexpr double kPartSide = 1408.0;
constexpr int kMostRanks = 2304;

class Prediction {
 public:
  Prediction(std::string network, const Graph& graph, Halos halos, const RankMachine& machine)
      : network_(std::move(network)), graph_(graph), halos_(halos), machine_(machine) {}

  std::vector<ModelledStep> steps() const {
    std::vector<ModelledStep> all;
    for (const int ranks : {1, 4, 16, 36, 64, 144, 256, 576, 1024, kMostRanks}) {
      all.push_back(step(Scaling::kStrong, kSlideSide, ranks, 1));
    }
    for (const int ranks : {1, 4, 16, 64, 256, 1024, kMostRanks}) {
      const auto side = std::llround(kPartSide * std::sqrt(static_cast<double>(ranks)));
      all.push_back(step(Scaling::kWeak, side, ranks, 1));
    }
    for (const int ranks : {144, 64, 36, 16}) {
      all.push_back(step(Scaling::kMixed, kSlideSide, ranks, kMostRanks / ranks));
    }
    all.push_back(step(Scaling::kDataParallel, kSlideSide, 1, kMostRanks));
    return all;
  }

 private:
  RankTime time(int64_t side, int ranks, int64_t slides) const {
    return model_step(
        graph_, machine_,
        {.pixels = {side, side}, .grid = square_grid(ranks), .slides = slides, .halos = halos_});
  }

  /// `ranks` share each of the slides.
  ModelledStep step(Scaling scaling, int64_t side, int ranks, int64_t slides) const {
    const RankTime taken = time(side, ranks, slides);
    const bool is_weak = scaling == Scaling::kWeak;
    const double alone = time(is_weak ? std::llround(kPartSide) : side, 1, 1).total();
    return {.network = network_,
            .machine = machine_.name,
            .scaling = scaling,
            .ranks = ranks * slides,
            .slides = slides,
            .side = side,
            .time = taken,
            .efficiency = alone / taken.total() / (is_weak ? 1.0 : ranks)};
  }

  std::string network_;
  const Graph& graph_;
  Halos halos_;
  RankMachine machine_;
};

}  // namespace

std::string name_of(Scaling scaling) {
  switch (scaling) {
    case Scaling::kStrong:
      return "strong";
    case Scaling::kWeak:
      return "weak";
    case Scaling::kDataParallel:
      return "data parallel";
    case Scaling::kMixed:
      break;
  }
  return "mixed";
}

Json to_json(const RankTime& time) {
  return {{"seconds", time.total()},
          {"parts", {{"compute", time.compute}, {"halo", time.halo}, {"sums", time.sums}}}};
}

Json to_json(const RankMachine& machine, const std::string& network) {
  return {{"network", network},
          {"machine", machine.name},
          {"flop_per_second", machine.rate},
          {"latency_seconds", machine.latency},
          {"link_bytes_per_second", machine.link_bandwidth},
          {"sum_bytes_per_second", machine.sum_bandwidth}};
}

Json to_json(const ModelledStep& step) {
  Json json = {{"network", step.network}, {"machine", step.machine},
               {"figures", "modelled"},   {"scaling", name_of(step.scaling)},
               {"ranks", step.ranks},     {"slides", step.slides},
               {"rows", step.side},       {"columns", step.side}};
  json.update(to_json(step.time));
  json["efficiency"] = step.efficiency;
  json["slides_per_second"] = step.slides_per_second();
  return json;
}

std::vector<ModelledStep> model_steps(const std::string& network, const Graph& graph, Halos halos,
                                      const RankMachine& machine) {
  return Prediction(network, graph, halos, machine).steps();
}

}  // namespace untiled
