// No operation sees more than the device's profile allows; LibTorch itself is asked.
#include <ATen/record_function.h>

#include <atomic>
#include <string_view>

#include "lib/device/device.h"
#include "lib/kernels/libtorch_kernel.h"
#include "lib/train/losses.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled::testing {
namespace {

std::atomic<int64_t> most_elements{0};
std::atomic<int64_t> most_bytes{0};
std::atomic<int64_t> largest_dimension{0};
std::atomic<int64_t> operations{0};
std::atomic<int64_t> float64_sums{0};  ///< On a CPU; MPS would refuse them.

void raise_to(std::atomic<int64_t>& most, int64_t value) {
  int64_t held = most;
  while (value > held && !most.compare_exchange_weak(held, value)) {
  }
}

void look_at(const c10::IValue& value) {
  if (!value.isTensor() || !value.toTensor().defined()) return;
  const at::Tensor& t = value.toTensor();
  raise_to(most_elements, t.numel());
  raise_to(most_bytes, t.numel() * static_cast<int64_t>(t.element_size()));
  for (const int64_t n : t.sizes()) raise_to(largest_dimension, n);
}

std::unique_ptr<at::ObserverContext> on_operation(const at::RecordFunction& function) {
  ++operations;
  for (const c10::IValue& input : function.inputs()) look_at(input);
  return nullptr;
}

void on_result(const at::RecordFunction& function, at::ObserverContext* /*context*/) {
  for (const c10::IValue& output : function.outputs()) {
    look_at(output);
    const bool sum = std::string_view(function.name()) == "aten::sum";
    if (sum && output.isTensor() && output.toTensor().scalar_type() == at::kDouble) ++float64_sums;
  }
}

TEST_CASE("a slide wider than a Mac's largest dimension is streamed within the mps profile") {
  const DeviceProfile profile = device_profile("mps");
  const Extent extent{96, 300000};  // stored at stride 4: 75,000 columns, above 65,536
  const Case c{.extent = extent, .dtype = at::kFloat};
  const Graph graph = make_graph(c);
  const LibTorchKernel kernel(graph);
  const Plan plan = make_plan(graph, graph.storable_layers(), {2048, 2048}, Tiling::kGrid);
  ExecutorOptions options{.workers = 2};
  options.has_float64 = profile.has_float64;
  options.max_dimension = std::min(options.max_dimension, profile.max_dimension);
  const Executor executor(graph, plan, kernel, options);
  const auto image = random_image(extent, 4);
  const auto labels = random_labels(extent, 1, 0.0, 4);
  const auto loss = make_loss(LossKind::kBce, 1, {}, profile.has_float64);
  const auto parameters = make_parameters(c).tensors;

  const auto handle = at::addGlobalCallback(
      at::RecordFunctionCallback(on_operation, on_result).needsInputs(true).needsOutputs(true));
  const StepResult step = executor.step(parameters, *image, *labels, *loss);
  at::removeCallback(handle);

  CHECK(step.loss > 0.0);
  CHECK(operations > 1000);
  CHECK(most_elements < int64_t{1} << 31);
  CHECK(most_bytes <= profile.max_tensor_bytes);
  CHECK(largest_dimension <= profile.max_dimension);
  CHECK(float64_sums == 0);
}

TEST_CASE("sums without float64 on the device agree with those in float64") {
  Case c{.extent = {300, 260}, .tile = 64, .dtype = at::kFloat, .stored = {"all"}};
  const Graph graph = make_graph(c);
  const LibTorchKernel kernel(graph);
  const Plan plan = make_plan(graph, graph.storable_layers(), {c.tile, c.tile}, Tiling::kGrid);
  const auto image = random_image(c.extent, c.seed);
  const auto labels = random_labels(c.extent, 1, 0.0, c.seed);
  const auto loss = make_loss(LossKind::kBceDice, 1, {});
  ExecutorOptions options{.workers = 2};
  const auto parameters = make_parameters(c).tensors;
  const StepResult with =
      Executor(graph, plan, kernel, options).step(parameters, *image, *labels, *loss);
  options.has_float64 = false;
  const StepResult without =
      Executor(graph, plan, kernel, options).step(parameters, *image, *labels, *loss);
  for (size_t i = 0; i < with.gradients.size(); ++i) {
    CHECK(with.gradients[i].equal(without.gradients[i]));
  }
}

}  // namespace
}  // namespace untiled::testing
