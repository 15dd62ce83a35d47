#include <algorithm>

#include "lib/core/resources.h"
#include "lib/kernels/backend.h"
#include "lib/kernels/libtorch_kernel.h"

namespace untiled {
namespace {

/// Finer layers are recomputed in exports: they would take most of the memory.
constexpr int64_t kInferenceFinestStored = 16;

class LibTorchBackend : public KernelBackend {
 public:
  explicit LibTorchBackend(const Graph& graph) : graph_(graph), kernel_(graph) {}

  const SegmentKernel& kernel() const override { return kernel_; }
  std::vector<Extent> training_tiles(Order /*order*/, const Extent& /*pixels*/) const override {
    return {{kUsualTile, kUsualTile}};
  }
  InferenceShape inference_shape(MaskUse /*use*/) const override {
    InferenceShape shape{.tiles = {{kUsualTile, kUsualTile}}, .tiling = Tiling::kLattice};
    shape.has_fixed_layers = true;
    for (const LayerId id : graph_.storable_layers()) {
      if (graph_.stride(id) >= kInferenceFinestStored) shape.fixed_layers.push_back(id);
    }
    return shape;
  }

 private:
  const Graph& graph_;
  LibTorchKernel kernel_;
};

/// A GPU: the device itself is the parallel unit.
class GpuBackend : public LibTorchBackend {
 public:
  using LibTorchBackend::LibTorchBackend;
  int workers(int /*asked*/) const override { return 1; }
  int readers() const override { return std::max(1, usable_cores() - 1); }
};

class CudaBackend : public GpuBackend {
 public:
  using GpuBackend::GpuBackend;
  /// A small tile does not fill the device.
  std::vector<Extent> training_tiles(Order /*order*/, const Extent& /*pixels*/) const override {
    return {{2048, 2048}, {1024, 1024}, {512, 512}};
  }
  InferenceShape inference_shape(MaskUse use) const override {
    InferenceShape shape = GpuBackend::inference_shape(use);
    shape.tiles = {{kUsualTile, 8 * kUsualTile}};
    return shape;
  }
  /// One waits for its logits while the device computes another's, and a third writes.
  int inference_workers(int /*asked*/) const override { return 3; }
};

}  // namespace

std::unique_ptr<KernelBackend> make_libtorch_backend(const Graph& graph,
                                                     const c10::Device& device) {
  if (device.is_cuda()) return std::make_unique<CudaBackend>(graph);
  if (!device.is_cpu()) return std::make_unique<GpuBackend>(graph);
  return std::make_unique<LibTorchBackend>(graph);
}

}  // namespace untiled
