#include "lib/plan/rank_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace untiled {
namespace {

constexpr double kElementBytes = 4.0;
/// Reads and writes of a norm's input in a step: norm, ReLU and their ways back.
constexpr double kNormTouches = 10.0;
/// All-reduces of a norm: mean and variance forward, both gradients' sums at once backward.
constexpr double kSumsOfNorm = 3.0;
/// Digits of exact sums one way, float32 weights the other.
constexpr double kBytesOfParameter = 24.0 + 4.0;

bool is_convolution(const Layer& layer) {
  return layer.kind == LayerKind::kConv || layer.kind == LayerKind::kTransposedConv;
}

/// Convolutions of a step over one forward pass: backward takes two, and one more computes forward
/// anew.
double passes_of(const RankCase& step) { return step.recomputes ? 4.0 : 3.0; }

double forward_work(const Graph& graph, const std::vector<Extent>& extents) {
  double work = 0.0;
  for (LayerId id = kFirstMadeLayer; id <= graph.output(); ++id) {
    if (is_convolution(graph.layer(id))) {
      work += graph.multiply_adds(id, extents[index(id)]);
    }
  }
  return work;
}

double norm_bytes(const Graph& graph, const std::vector<Extent>& extents) {
  double values = 0.0;
  for (LayerId id = kFirstMadeLayer; id <= graph.output(); ++id) {
    if (graph.layer(id).kind != LayerKind::kBatchNorm) continue;
    values += static_cast<double>(extents[index(id)].area()) *
              static_cast<double>(graph.layer(id).channels);
  }
  return values * kNormTouches * kElementBytes;
}

/// Of so many ranks in a line over `size` pixels what an inner one computes, over what it owns.
double widened(int ranks, int64_t size, double halo) {
  const double own = static_cast<double>(size) / ranks;
  const double sides = std::min(ranks - 1, 2);
  return std::min(own + sides * halo, static_cast<double>(size)) / own;
}

double share_of(const Graph& graph, const RankCase& step) {
  if (step.largest_share) return *step.largest_share;
  double share = 1.0 / step.grid.count();
  if (step.halos == Halos::kComputed) {
    const double halo = static_cast<double>(graph.receptive_field(graph.output())) / 2.0;
    share *= widened(step.grid.rows, step.pixels.rows, halo) *
             widened(step.grid.cols, step.pixels.cols, halo);
  }
  return share;
}

/// Of one convolution, each time its input is fetched.
double halo_seconds(const Graph& graph, const RankMachine& machine, const RankCase& step,
                    const Layer& layer) {
  const LayerId input = layer.inputs.front();
  const auto stride = static_cast<double>(graph.stride(input));
  const double cut_rows = step.grid.rows > 1 ? 1.0 : 0.0;
  const double cut_cols = step.grid.cols > 1 ? 1.0 : 0.0;
  const double border = cut_rows * static_cast<double>(step.pixels.cols) / stride / step.grid.cols +
                        cut_cols * static_cast<double>(step.pixels.rows) / stride / step.grid.rows;
  const int64_t reach = layer.geometry.kernel / 2;
  const double bytes = 2.0 * border * static_cast<double>(reach) *
                       static_cast<double>(graph.layer(input).channels) * kElementBytes;
  return 2.0 * (cut_rows + cut_cols) * machine.latency + bytes / machine.link_bandwidth;
}

double all_halos(const Graph& graph, const RankMachine& machine, const RankCase& step) {
  if (step.grid.count() == 1 || step.halos == Halos::kComputed) return 0.0;
  double seconds = 0.0;
  for (const Layer& layer : graph.layers()) {
    // Who reads the pixels has them from the file.
    const bool fetches = is_convolution(layer) && layer.geometry.kernel > 1 &&
                         graph.layer(layer.inputs.front()).kind != LayerKind::kPixels;
    if (fetches) seconds += (passes_of(step) - 1.0) * halo_seconds(graph, machine, step, layer);
  }
  return seconds;
}

double all_sums(const Graph& graph, const RankMachine& machine, const RankCase& step) {
  if (step.ranks() == 1) return 0.0;
  const double latency = 2.0 * std::log2(static_cast<double>(step.ranks())) * machine.latency;
  const auto norms = static_cast<double>(
      std::count_if(graph.layers().begin(), graph.layers().end(),
                    [](const Layer& l) { return l.kind == LayerKind::kBatchNorm; }));
  const double bytes = kBytesOfParameter * static_cast<double>(graph.parameter_count());
  return (kSumsOfNorm * norms + 2.0) * latency + bytes / machine.sum_bandwidth;
}

}  // namespace

RankMachine summit_like_gpu() {
  return {.name = "Summit-like GPU",
          .rate = 7.8e12,
          .latency = 10e-6,
          .link_bandwidth = 4e9,
          .sum_bandwidth = 20e9,
          .memory_bandwidth = 700e9};
}

RankMachine usual_core() {
  return {.name = "a core with AVX-512",
          .rate = 150e9,
          .latency = 1e-6,
          .link_bandwidth = 5e9,
          .sum_bandwidth = 1e9,
          .memory_bandwidth = 8e9};
}

RankTime model_step(const Graph& graph, const RankMachine& machine, const RankCase& step) {
  const std::vector<Extent> extents = graph.extents(step.pixels);
  const double share = share_of(graph, step);
  RankTime time;
  time.compute = share * (2.0 * passes_of(step) * forward_work(graph, extents) / machine.rate +
                          norm_bytes(graph, extents) / machine.memory_bandwidth);
  time.halo = all_halos(graph, machine, step);
  time.sums = all_sums(graph, machine, step);
  return time;
}

RankMachine fitted_to(RankMachine machine, const Graph& graph, const RankCase& step,
                      double seconds) {
  machine.rate = 2.0 * passes_of(step) * forward_work(graph, graph.extents(step.pixels)) / seconds;
  machine.memory_bandwidth = std::numeric_limits<double>::infinity();
  return machine;
}

RankGrid square_grid(int64_t ranks) {
  auto rows = static_cast<int64_t>(std::sqrt(static_cast<double>(ranks)));
  while (ranks % rows != 0) --rows;
  return {static_cast<int>(rows), static_cast<int>(ranks / rows)};
}

}  // namespace untiled
