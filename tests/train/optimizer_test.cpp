#include "lib/train/optimizer.h"

#include <cmath>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "lib/train/named_tensors.h"
#include "lib/train/schedule.h"
#include "lib/train/slide_order.h"
#include "tests/catch.h"
#include "tests/train/tensors.h"

namespace untiled {
namespace {

constexpr int kValues = 5;

template <typename T>
NamedTensors start() {
  return {{"a", "b"},
          {tensor_of<T>({3}, {T(0.5), T(-1.25), T(2)}), tensor_of<T>({1, 2}, {T(1e-3), T(-40)})}};
}

/// Arbitrary gradients, the same for each step.
std::vector<double> gradient_values(int64_t step) {
  Random random(7, static_cast<uint64_t>(step));
  std::vector<double> values;
  for (int i = 0; i < kValues; ++i) values.push_back(random.normal());
  return values;
}

Gradients gradients_at(int64_t step) {
  const std::vector<double> v = gradient_values(step);
  return {tensor_of<double>({3}, {v[0], v[1], v[2]}), tensor_of<double>({1, 2}, {v[3], v[4]})};
}

double rate_at(int64_t step) { return 0.01 / static_cast<double>(step); }

/// PyTorch's documented update rules, one value at a time in double.
class PlainOptimizer {
 public:
  PlainOptimizer(const OptimizerSettings& s, double value) : s_(s), value_(value) {}

  void step(double gradient, double rate) {
    ++count_;
    s_.kind == OptimizerKind::kSgd ? step_sgd(gradient, rate) : step_adam(gradient, rate);
  }
  double value() const { return value_; }

 private:
  void step_sgd(double gradient, double rate) {
    gradient += s_.weight_decay * value_;
    momentum_ = count_ == 1 ? gradient : s_.momentum * momentum_ + gradient;
    value_ -= rate * (s_.momentum != 0.0 ? momentum_ : gradient);
  }
  void step_adam(double gradient, double rate) {
    if (s_.kind == OptimizerKind::kAdamW) {
      value_ *= 1.0 - rate * s_.weight_decay;
    } else {
      gradient += s_.weight_decay * value_;
    }
    mean_ = s_.beta1 * mean_ + (1.0 - s_.beta1) * gradient;
    square_ = s_.beta2 * square_ + (1.0 - s_.beta2) * gradient * gradient;
    const double mean = mean_ / (1.0 - std::pow(s_.beta1, count_));
    const double square = square_ / (1.0 - std::pow(s_.beta2, count_));
    value_ -= rate * mean / (std::sqrt(square) + s_.epsilon);
  }

  OptimizerSettings s_;
  double value_;
  int count_ = 0;
  double momentum_ = 0.0;
  double mean_ = 0.0;
  double square_ = 0.0;
};

std::vector<double> plain_result(const OptimizerSettings& settings, int steps) {
  std::vector<double> values = {0.5, -1.25, 2.0, 1e-3, -40.0};
  for (size_t i = 0; i < values.size(); ++i) {
    PlainOptimizer optimizer(settings, values[i]);
    for (int step = 1; step <= steps; ++step) {
      optimizer.step(gradient_values(step)[i], rate_at(step));
    }
    values[i] = optimizer.value();
  }
  return values;
}

OptimizerSettings settings_of(OptimizerKind kind) {
  OptimizerSettings settings;
  settings.kind = kind;
  settings.weight_decay = 0.05;
  settings.beta1 = 0.8;
  return settings;
}

TEST_CASE("optimisers follow PyTorch's documented update rules") {
  const auto kind = GENERATE(OptimizerKind::kAdam, OptimizerKind::kAdamW, OptimizerKind::kSgd);
  const double momentum = GENERATE(0.0, 0.9);
  OptimizerSettings settings = settings_of(kind);
  settings.momentum = momentum;
  const NamedTensors parameters = start<double>();
  Optimizer optimizer(settings, parameters);
  for (int step = 1; step <= 6; ++step) optimizer.step(gradients_at(step), rate_at(step));
  std::vector<double> found = values_of<double>(parameters.tensors[0]);
  for (const double value : values_of<double>(parameters.tensors[1])) found.push_back(value);
  const std::vector<double> expected = plain_result(settings, 6);
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(found[i] == Approx(expected[i]).epsilon(1e-12));
    CHECK(found[i] != values_of<double>(start<double>().tensors[i < 3 ? 0 : 1])[i < 3 ? i : i - 3]);
  }
}

TEST_CASE("an optimiser put back after any step goes on bit for bit") {
  const auto kind = GENERATE(OptimizerKind::kAdam, OptimizerKind::kAdamW, OptimizerKind::kSgd);
  const int stop = GENERATE(0, 1, 4);
  const OptimizerSettings settings = settings_of(kind);
  const NamedTensors straight = start<float>();
  Optimizer uninterrupted(settings, straight);
  const NamedTensors first = start<float>();
  Optimizer before(settings, first);
  for (int step = 1; step <= stop; ++step) {
    uninterrupted.step(gradients_at(step), rate_at(step));
    before.step(gradients_at(step), rate_at(step));
  }
  const NamedTensors second = clone(first);
  Optimizer after(settings, second);
  after.load_state(before.state());
  for (int step = stop + 1; step <= 9; ++step) {
    uninterrupted.step(gradients_at(step), rate_at(step));
    after.step(gradients_at(step), rate_at(step));
  }
  CHECK(same_bits(straight.tensors[0], second.tensors[0]));
  CHECK(same_bits(straight.tensors[1], second.tensors[1]));
  CHECK(content_hash(uninterrupted.state()) == content_hash(after.state()));
}

TEST_CASE("weights that read pixels move as if the pixels had the mean 0") {
  // One output channel of one feature (weight 0.5) and one pixel channel (weight -0.25) of 1 x 1.
  constexpr double kMean = 0.8;
  const NamedTensors parameters{
      {"head.weight", "head.bias"},
      {tensor_of<double>({1, 2, 1, 1}, {0.5, -0.25}), tensor_of<double>({1}, {0.125})}};
  const OptimizerSettings settings =
      settings_of(GENERATE(OptimizerKind::kAdam, OptimizerKind::kAdamW, OptimizerKind::kSgd));
  Optimizer optimizer(settings, parameters, {{0, 1, kMean}});
  PlainOptimizer feature(settings, 0.5);
  PlainOptimizer pixel(settings, -0.25);
  PlainOptimizer bias(settings, 0.125 + kMean * -0.25);  // What the layer gives at the mean pixel.
  for (int step = 1; step <= 6; ++step) {
    const std::vector<double> g = gradient_values(step);
    optimizer.step({tensor_of<double>({1, 2, 1, 1}, {g[0], g[1]}), tensor_of<double>({1}, {g[2]})},
                   0.01);
    feature.step(g[0], 0.01);
    pixel.step(g[1] - kMean * g[2], 0.01);
    bias.step(g[2], 0.01);
  }
  const std::vector<double> weight = values_of<double>(parameters.tensors[0]);
  const double found_bias = values_of<double>(parameters.tensors[1])[0];
  CHECK(weight[0] == Approx(feature.value()).epsilon(1e-12));
  CHECK(weight[1] == Approx(pixel.value()).epsilon(1e-12));
  CHECK(found_bias + kMean * weight[1] == Approx(bias.value()).epsilon(1e-12));
}

TEST_CASE("a saved optimiser state does not change when training goes on") {
  const NamedTensors parameters = start<float>();
  Optimizer optimizer(settings_of(OptimizerKind::kAdam), parameters);
  CHECK(optimizer.state().names.empty());
  optimizer.step(gradients_at(1), 0.1);
  const NamedTensors state = optimizer.state();
  const std::string hash = content_hash(state);
  optimizer.step(gradients_at(2), 0.1);
  CHECK(content_hash(state) == hash);
  CHECK(content_hash(optimizer.state()) != hash);
}

TEST_CASE("another optimiser's state is refused") {
  const NamedTensors parameters = start<float>();
  Optimizer sgd(settings_of(OptimizerKind::kSgd), parameters);
  sgd.step(gradients_at(1), 0.1);
  Optimizer adam(settings_of(OptimizerKind::kAdam), parameters);
  CHECK_THROWS_AS(adam.load_state(sgd.state()), DataError);
}

TEST_CASE("gradients are clipped by their common norm") {
  const Gradients gradients = {tensor_of<double>({2}, {3.0, 0.0}), tensor_of<double>({1}, {4.0})};
  CHECK(global_norm(gradients) == 5.0);
  const Gradients clipped = clip_to_norm(gradients, 5.0, 1.0);
  CHECK(values_of<double>(clipped[0])[0] == Approx(3.0 / 5.000001).epsilon(1e-14));
  CHECK(values_of<double>(clipped[1])[0] == Approx(4.0 / 5.000001).epsilon(1e-14));
  CHECK(values_of<double>(clip_to_norm(gradients, 5.0, 6.0)[0])[0] == 3.0);
  CHECK(values_of<double>(clip_to_norm(gradients, 5.0, 0.0)[0])[0] == 3.0);
}

TEST_CASE("the one-cycle rate is PyTorch's") {
  ScheduleSettings schedule;
  schedule.kind = ScheduleKind::kOneCycle;
  // torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10, final_div_factor=40)
  CHECK(learning_rate_at(schedule, 1.0, 0, 10) == Approx(0.04));
  CHECK(learning_rate_at(schedule, 1.0, 1, 10) == Approx(0.52));
  CHECK(learning_rate_at(schedule, 1.0, 2, 10) == Approx(1.0));
  CHECK(learning_rate_at(schedule, 1.0, 5, 10) == Approx(0.611649206511179));
  CHECK(learning_rate_at(schedule, 1.0, 9, 10) == Approx(0.001));
  CHECK(learning_rate_at(schedule, 0.3, 0, 1) == 0.3);
}

TEST_CASE("the cosine rate rises in a line, then falls to its last fraction") {
  ScheduleSettings schedule;
  schedule.kind = ScheduleKind::kCosine;
  schedule.warmup_fraction = 0.4;
  schedule.final_fraction = 0.1;
  CHECK(learning_rate_at(schedule, 2.0, 0, 10) == Approx(0.5));
  CHECK(learning_rate_at(schedule, 2.0, 3, 10) == Approx(2.0));
  CHECK(learning_rate_at(schedule, 2.0, 4, 10) == Approx(2.0));
  CHECK(learning_rate_at(schedule, 2.0, 9, 10) == Approx(0.2));
}

TEST_CASE("every schedule gives a rate above 0 and at most the peak for every length and warm-up") {
  ScheduleSettings schedule;
  for (const auto kind :
       {ScheduleKind::kConstant, ScheduleKind::kCosine, ScheduleKind::kOneCycle}) {
    schedule.kind = kind;
    for (const double warmup : {0.0, 0.1, 0.3, 1.0}) {
      schedule.warmup_fraction = warmup;
      for (int64_t steps = 1; steps <= 21; ++steps) {
        for (int64_t index = 0; index < steps; ++index) {
          const double rate = learning_rate_at(schedule, 0.5, index, steps);
          REQUIRE(rate > 0.0);
          REQUIRE(rate <= 0.5 + 1e-15);
        }
      }
    }
  }
}

TEST_CASE("each epoch shows every slide once, in an order that the seed alone decides") {
  const size_t slides = 5;
  std::vector<std::vector<size_t>> epochs;
  for (int64_t epoch = 0; epoch < 8; ++epoch) {
    std::vector<size_t> order;
    for (int64_t i = 0; i < 5; ++i) order.push_back(slide_at(3, slides, epoch * 5 + i));
    epochs.push_back(order);
    std::sort(order.begin(), order.end());
    CHECK(order == std::vector<size_t>{0, 1, 2, 3, 4});
  }
  CHECK(std::adjacent_find(epochs.begin(), epochs.end(), std::not_equal_to<>()) != epochs.end());
  CHECK(slide_at(3, slides, 12) == epochs[2][2]);
  CHECK(slide_at(9, 1, 1000) == 0);
}

}  // namespace
}  // namespace untiled
