// The expected times are those of an independent program in Python that has the same formula and
// the layers of each ResNet written out: milliseconds, printed with one decimal.
#include "lib/plan/rank_model.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "models/resnet_graph.h"
#include "models/unet_graph.h"
#include "tests/catch.h"

namespace untiled {
namespace {

constexpr int64_t kSide = 22528;
constexpr double kRounding = 0.0501;  // Milliseconds.

struct Expected {
  int ranks;
  double total;
  double compute;
  double halo;
  double sums;
};

Graph resnet(int depth, int width) {
  ModelSettings model;
  model.depth = depth;
  model.width = width;
  return resnet_graph(model, 1);
}

RankTime summit_step(const Graph& graph, int ranks, int64_t side, int64_t slides = 1) {
  return model_step(graph, summit_like_gpu(),
                    {.pixels = {side, side}, .grid = square_grid(ranks), .slides = slides});
}

void check_time(const RankTime& time, const Expected& expected) {
  INFO(expected.ranks << " ranks");
  CHECK(std::abs(1e3 * time.total() - expected.total) < kRounding);
  CHECK(std::abs(1e3 * time.compute - expected.compute) < kRounding);
  CHECK(std::abs(1e3 * time.halo - expected.halo) < kRounding);
  CHECK(std::abs(1e3 * time.sums - expected.sums) < kRounding);
}

TEST_CASE("a slide of ResNet-18 on 16 to 2,304 GPUs takes what the reference says") {
  const Graph graph = resnet(18, 64);
  for (const Expected& e : {Expected{16, 1305.4, 1265.6, 19.2, 20.6},
                            {36, 598.0, 562.5, 13.5, 22.1},
                            {64, 350.1, 316.4, 10.6, 23.1},
                            {144, 172.8, 140.6, 7.7, 24.5},
                            {256, 110.9, 79.1, 6.2, 25.6},
                            {576, 67.0, 35.2, 4.8, 27.0},
                            {1024, 51.9, 19.8, 4.1, 28.0},
                            {2304, 41.6, 8.8, 3.4, 29.5}}) {
    check_time(summit_step(graph, e.ranks, kSide), e);
  }
}

TEST_CASE("a slide of ResNet-50 on 16 to 2,304 GPUs takes what the reference says") {
  const Graph graph = resnet(50, 64);
  for (const Expected& e : {Expected{16, 3119.7, 3051.5, 22.5, 45.8},
                            {36, 1421.4, 1356.2, 15.6, 49.6},
                            {64, 827.3, 762.9, 12.2, 52.2},
                            {144, 403.8, 339.1, 8.8, 56.0},
                            {256, 256.4, 190.7, 7.1, 58.7},
                            {576, 152.5, 84.8, 5.3, 62.4},
                            {1024, 117.3, 47.7, 4.5, 65.1},
                            {2304, 93.7, 21.2, 3.6, 68.9}}) {
    check_time(summit_step(graph, e.ranks, kSide), e);
  }
}

TEST_CASE("1,408 x 1,408 pixels a GPU take what the reference says, on 1 to 2,304 of them") {
  const auto side = [](int ranks) {
    return static_cast<int64_t>(std::llround(1408.0 * std::sqrt(ranks)));
  };
  const Graph small = resnet(18, 64);
  for (const Expected& e : {Expected{1, 79.1, 79.1, 0.0, 0.0},
                            {4, 103.5, 79.1, 6.2, 18.1},
                            {16, 106.0, 79.1, 6.2, 20.6},
                            {64, 108.4, 79.1, 6.2, 23.1},
                            {256, 110.9, 79.1, 6.2, 25.6},
                            {1024, 113.4, 79.1, 6.2, 28.0},
                            {2304, 114.8, 79.1, 6.2, 29.5}}) {
    check_time(summit_step(small, e.ranks, side(e.ranks)), e);
  }
  const Graph large = resnet(50, 64);
  for (const Expected& e : {Expected{1, 190.7, 190.7, 0.0, 0.0},
                            {4, 237.1, 190.7, 7.1, 39.4},
                            {16, 243.6, 190.7, 7.1, 45.8},
                            {64, 250.0, 190.7, 7.1, 52.2},
                            {256, 256.4, 190.7, 7.1, 58.7},
                            {1024, 262.9, 190.7, 7.1, 65.1},
                            {2304, 266.7, 190.7, 7.1, 68.9}}) {
    check_time(summit_step(large, e.ranks, side(e.ranks)), e);
  }
}

TEST_CASE("slides side by side on 2,304 GPUs take what the reference says") {
  struct Mixed {
    int ranks;
    int64_t slides;
    double milliseconds;
    double slides_per_second;
  };
  const Graph graph = resnet(18, 64);
  for (const Mixed& m : {Mixed{16, 144, 1314.3, 110.0},
                         {36, 64, 605.4, 106.0},
                         {64, 36, 356.5, 101.0},
                         {144, 16, 177.8, 90.0}}) {
    const double seconds = summit_step(graph, m.ranks, kSide, m.slides).total();
    INFO(m.ranks << " ranks a slide");
    CHECK(std::abs(1e3 * seconds - m.milliseconds) < kRounding);
    CHECK(std::round(static_cast<double>(m.slides) / seconds) == m.slides_per_second);
  }
}

TEST_CASE("cores of one machine take what the reference says") {
  const Graph graph = resnet(18, 16);
  const auto seconds = [&](int ranks) {
    return model_step(graph, usual_core(), {.pixels = {5632, 5632}, .grid = square_grid(ranks)})
        .total();
  };
  CHECK(std::abs(seconds(1) - 6.5) < kRounding);
  CHECK(std::abs(seconds(2) - 3.3) < kRounding);
}

TEST_CASE("a machine fitted to a step of one rank takes that step's time") {
  const Graph graph = unet_graph({}, 1);
  const RankCase step{.pixels = {4000, 16000}, .halos = Halos::kComputed, .recomputes = false};
  const RankMachine machine = fitted_to(usual_core(), graph, step, 1.25);
  CHECK(model_step(graph, machine, step).total() == Approx(1.25));
}

TEST_CASE(
    "halos that both sides compute cost work and no messages, and never more than the slide") {
  const Graph graph = unet_graph({}, 1);
  const double halo = static_cast<double>(graph.receptive_field(graph.output())) / 2.0;
  const auto step = [&](RankGrid grid, Halos halos) {
    return model_step(graph, usual_core(), {.pixels = {4000, 16000}, .grid = grid, .halos = halos});
  };
  const double alone = step({1, 1}, Halos::kComputed).compute;
  CHECK(step({1, 2}, Halos::kComputed).compute == Approx(alone * (8000 + halo) / 16000));
  CHECK(step({1, 4}, Halos::kComputed).compute == Approx(alone * (4000 + 2 * halo) / 16000));
  CHECK(step({1, 16000}, Halos::kComputed).compute == Approx(alone * (1 + 2 * halo) / 16000));
  CHECK(step({4000, 1}, Halos::kComputed).compute < alone);
  CHECK(step({1, 4}, Halos::kComputed).halo == 0.0);
  CHECK(step({1, 4}, Halos::kExchanged).compute == Approx(alone / 4));
  CHECK(step({1, 4}, Halos::kExchanged).halo > 0.0);
}

TEST_CASE("what the rank with most has decides, where it is known") {
  const Graph graph = resnet(18, 16);
  RankCase step{.pixels = {4096, 1024}, .grid = {2, 1}};
  const double even = model_step(graph, usual_core(), step).compute;
  step.largest_share = 0.75;
  CHECK(model_step(graph, usual_core(), step).compute == Approx(1.5 * even));
}

TEST_CASE("grids are as square as the number allows") {
  CHECK(square_grid(1) == RankGrid{1, 1});
  CHECK(square_grid(7) == RankGrid{1, 7});
  CHECK(square_grid(12) == RankGrid{3, 4});
  CHECK(square_grid(2304) == RankGrid{48, 48});
}

}  // namespace
}  // namespace untiled
