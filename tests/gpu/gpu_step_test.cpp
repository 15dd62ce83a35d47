// The streamed step on a GPU against the same on the CPU. Links neither OpenSlide nor OpenCV.
#include "lib/device/device.h"
#include "lib/kernels/libtorch_kernel.h"
#include "lib/streaming/verification.h"
#include "lib/train/losses.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled::testing {
namespace {

StepResult step_on(at::Device device, bool has_float64, const Case& c) {
  const Graph graph = make_graph(c);
  const LibTorchKernel kernel(graph);
  ExecutorOptions options{.device = device, .dtype = c.dtype};
  options.has_float64 = has_float64;
  const Executor executor(
      graph, make_plan(graph, graph.storable_layers(), {c.tile, c.tile}, Tiling::kGrid), kernel,
      options);
  const auto loss = make_loss(c.loss, c.classes, {}, has_float64);
  return executor.step(make_parameters(c).tensors, *random_image(c.extent, c.seed),
                       *random_labels(c.extent, c.classes, 0.1, c.seed), *loss);
}

void compare_with_cpu(at::Device device, const DeviceProfile& profile, const Case& c,
                      double tolerance) {
  const StepResult cpu = step_on(at::kCPU, true, c);
  const StepResult gpu = step_on(device, profile.has_float64, c);
  CHECK(relative_error(gpu.loss, cpu.loss) <= tolerance);
  for (size_t i = 0; i < cpu.gradients.size(); ++i) {
    CHECK(relative_error(gpu.gradients[i], cpu.gradients[i]) <= tolerance);
  }
}

TEST_CASE("a step on CUDA equals one on the CPU", "[gpu]") {
  const BackendState cuda = probe_cuda();
  if (!cuda.usable) UNTILED_SKIP("no usable CUDA device: " + cuda.detail);
  Case c{.extent = {1100, 901}, .loss = LossKind::kBceDice, .tile = 256};
  compare_with_cpu({at::kCUDA, 0}, device_profile("cuda"), c, 1e-11);
  c.dtype = at::kFloat;
  compare_with_cpu({at::kCUDA, 0}, device_profile("cuda"), c, 1e-4);
}

TEST_CASE("a step on CUDA gives the same bits again", "[gpu]") {
  const BackendState cuda = probe_cuda();
  if (!cuda.usable) UNTILED_SKIP("no usable CUDA device: " + cuda.detail);
  const Case c{.extent = {1100, 901},
               .classes = 3,
               .loss = LossKind::kBceDice,
               .tile = 256,
               .dtype = at::kFloat};
  const StepResult first = step_on({at::kCUDA, 0}, true, c);
  const StepResult second = step_on({at::kCUDA, 0}, true, c);
  CHECK(first.loss == second.loss);
  for (size_t i = 0; i < first.gradients.size(); ++i) {
    CHECK(first.gradients[i].equal(second.gradients[i]));
  }
}

TEST_CASE("a step on MPS equals one on the CPU", "[gpu]") {
  const BackendState mps = probe_mps();
  if (!mps.usable) UNTILED_SKIP("no usable MPS device: " + mps.detail);
  const Case c{.extent = {1100, 901}, .loss = LossKind::kBceDice, .tile = 256, .dtype = at::kFloat};
  compare_with_cpu({at::kMPS, 0}, device_profile("mps"), c, 1e-4);
}

}  // namespace
}  // namespace untiled::testing
