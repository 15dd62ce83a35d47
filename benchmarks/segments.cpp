// Each segment of the default network on one tile, by LibTorch and by the fused kernels on each
// instruction set; items are pixels of the slide that the tile covers.
#include <ATen/Parallel.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "lib/kernels/fused_kernel.h"
#include "lib/kernels/libtorch_kernel.h"
#include "lib/train/losses.h"
#include "models/unet.h"

namespace untiled {
namespace {

constexpr Extent kSlide = {4096, 4096};
/// Pixels that the tile of a segment covers, as in a training step.
constexpr Extent kTile = {512, 1016};

const Graph& graph() {
  static const Graph graph = unet_graph(ModelSettings{}, 1);
  return graph;
}

/// A tile inside the slide with what it reads.
struct Problem {
  Segment segment;
  std::vector<Extent> extents = graph().extents(kSlide);
  std::vector<at::Tensor> parameters = initial_parameters(graph(), 0).tensors;
  TileRegions regions;
  LayerTensors crops;
  Extent out;

  explicit Problem(Segment s) : segment(std::move(s)) {
    const int64_t stride = graph().stride(segment.target);
    out = {ceil_div(kTile.rows, stride), ceil_div(kTile.cols, stride)};
    regions = tile_regions(graph(), segment, extents, shift(whole(out), out.rows, out.cols));
    crops.resize(graph().layers().size());
    for (const LayerId id : segment.inputs) {
      const Extent e = regions[index(id)].extent();
      crops[index(id)] = id == kPixelLayer
                             ? at::randint(256, {e.rows, e.cols, 3}, at::kByte)
                             : at::rand({1, graph().layer(id).channels, e.rows, e.cols});
    }
  }
  TileRequest tile() const { return {segment, regions, extents, parameters, crops}; }
  int64_t pixels() const {
    const int64_t stride = graph().stride(segment.target);
    return out.area() * stride * stride;
  }
};

using KernelPtr = std::shared_ptr<const SegmentKernel>;

void forward(benchmark::State& state, const KernelPtr& kernel, const Segment& segment) {
  const Problem p(segment);
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(kernel->forward(p.tile()));
  }
  state.SetItemsProcessed(state.iterations() * p.pixels());
}

void backward(benchmark::State& state, const KernelPtr& kernel, const Segment& segment) {
  const Problem p(segment);
  const int64_t channels = graph().layer(segment.target).channels;
  const at::Tensor gradient = at::rand({1, channels, p.out.rows, p.out.cols});
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(kernel->backward(p.tile(), gradient));
  }
  state.SetItemsProcessed(state.iterations() * p.pixels());
}

void loss_backward(benchmark::State& state, const KernelPtr& kernel, const Segment& segment) {
  const Problem p(segment);
  const auto loss = make_loss(LossKind::kBce, 1, {}, /*has_float64=*/true);
  const at::Tensor labels = at::randint(2, {p.out.rows, p.out.cols}, at::kByte);
  const LossSums totals(static_cast<size_t>(loss->sum_count()), 1.0);
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(kernel->loss_backward(p.tile(), labels, *loss, totals));
  }
  state.SetItemsProcessed(state.iterations() * p.pixels());
}

void add(const std::string& kernel_name, const KernelPtr& kernel) {
  for (const Segment& segment : cut_segments(graph(), graph().storable_layers())) {
    const std::string name = graph().layer(segment.target).name;
    const auto register_pass = [&](const std::string& pass, auto measure) {
      benchmark::RegisterBenchmark(fmt::format("{}/{}/{}", name, pass, kernel_name).c_str(),
                                   measure, kernel, segment)
          ->Unit(benchmark::kMicrosecond);
    };
    register_pass("forward", forward);
    if (segment.target == graph().output()) {
      register_pass("loss_backward", loss_backward);
    } else {
      register_pass("backward", backward);
    }
  }
}

const bool registered = [] {
  at::set_num_threads(1);
  add("libtorch", std::make_shared<LibTorchKernel>(graph()));
  for (const std::string& simd : fused::available_simd()) {
    if (simd != "scalar") add(simd, std::make_shared<FusedKernel>(graph(), simd));
  }
  return true;
}();

}  // namespace
}  // namespace untiled
