// What a training step over ranks takes, by a model: nothing here is measured.
//
// T = compute + halos + sums, nothing of it overlapped, with P ranks that share a slide:
//   compute  2 passes MAC / (P rate) + bytes that norms touch / (P memory_bandwidth)
//   halos    for each convolution that reads a stored tensor, each time it runs but the first
//            gradient: 2 latency a cut direction + border x rows x channels x 4 / link_bandwidth
//   sums     all-reduces of 2 log2(all ranks) latency each, three a norm and two of the gradients,
//            and 28 bytes a parameter (24 of exact digits, 4 of the weights) / sum_bandwidth
// After the usual model of messages and collectives (alpha, beta, gamma; Thakur et al. 2005) as in
// spatial decomposition of ResNets (Tsaris et al., PASC'23).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/core/region.h"
#include "lib/network/graph.h"
#include "lib/plan/rank_layout.h"

namespace untiled {

/// What one rank, and what lies between ranks, can do.
struct RankMachine {
  std::string name;
  double rate = 0.0;              ///< FLOP/s that a rank reaches in convolutions.
  double latency = 0.0;           ///< Seconds that a message takes however short it is.
  double link_bandwidth = 0.0;    ///< Bytes/s between a rank and its neighbours.
  double sum_bandwidth = 0.0;     ///< Bytes/s of sums over all ranks.
  double memory_bandwidth = 0.0;  ///< Bytes/s of a rank's own memory; infinite: `rate` counts it.
};

/// A V100 at half its peak, six to a node with 23 GB/s of network.
RankMachine summit_like_gpu();
/// A core with AVX-512 among others of one machine.
RankMachine usual_core();

/// How a step gets what lies around a rank's part of a slide.
enum class Halos {
  kExchanged,  ///< Neighbours send it, tensor by tensor.
  kComputed,   ///< Both sides of a border compute it: half a receptive field on average.
};

/// A step of a network on slides of one size.
struct RankCase {
  Extent pixels;       ///< Of each slide.
  RankGrid grid;       ///< The ranks that share a slide.
  int64_t slides = 1;  ///< Each on ranks of its own.
  Halos halos = Halos::kExchanged;
  bool recomputes = true;  ///< Backward computes forward anew.
  /// Of one rank's work on a slide what the rank with most has, halos included; empty: as the
  /// cells of the grid have.
  std::optional<double> largest_share = {};

  int64_t ranks() const { return slides * grid.count(); }
};

/// Seconds of a step, of the rank with most.
struct RankTime {
  double compute = 0.0;
  double halo = 0.0;
  double sums = 0.0;

  double total() const { return compute + halo + sums; }
};

RankTime model_step(const Graph& graph, const RankMachine& machine, const RankCase& step);

/// The machine with the rate at which a step of one rank computes for `seconds`, norms counted in.
RankMachine fitted_to(RankMachine machine, const Graph& graph, const RankCase& step,
                      double seconds);

/// As many rows as columns of ranks, or as nearly as the number allows, the more columns.
RankGrid square_grid(int64_t ranks);

}  // namespace untiled
