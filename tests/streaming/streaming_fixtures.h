// Random slides, networks and the comparison of a streamed step with whole-image autograd.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/network/model_settings.h"
#include "lib/streaming/executor.h"
#include "lib/streaming/loss_kind.h"
#include "models/unet.h"

namespace untiled::testing {

/// An image in memory as a PixelSource.
class MemorySource : public PixelSource {
 public:
  MemorySource(Extent extent, int channels, Bytes bytes, Bytes missing = {})
      : extent_(extent),
        channels_(channels),
        bytes_(std::move(bytes)),
        missing_(std::move(missing)) {}
  Extent extent() const override { return extent_; }
  int channels() const override { return channels_; }
  PixelBlock read(const Region& region) const override;
  const Bytes& bytes() const { return bytes_; }
  Bytes& bytes() { return bytes_; }

 private:
  Extent extent_;
  int channels_;
  Bytes bytes_;
  Bytes missing_;
};

std::shared_ptr<MemorySource> random_image(Extent extent, uint64_t seed);
/// Blobs of labels 0 ... classes - 1 (classes 1: 0 and 1), with about `ignored` of the pixels set
/// to kIgnoredLabel.
std::shared_ptr<MemorySource> random_labels(Extent extent, int classes, double ignored,
                                            uint64_t seed);

/// What to stream and how.
struct Case {
  Extent extent{64, 64};
  ModelSettings model;
  int classes = 1;
  LossKind loss = LossKind::kBce;
  std::vector<double> class_weights;
  double ignored = 0.0;
  int64_t tile = 32;
  int workers = 2;
  at::ScalarType dtype = at::kDouble;
  std::vector<std::string> stored;  ///< Names of stored layers; "all" for every storable one.
  std::filesystem::path scratch;    ///< Spill all stored layers there.
  Order order = Order::kSweep;      ///< Pass by pass where layers are spilled.
  int windows = 1;
  uint64_t seed = 1;
  int ranks = 1;             ///< As threads.
  NcclLink* link = nullptr;  ///< Of this one's.
  RankLayout layout = {};
};

struct Streamed {
  StepResult step;
  at::Tensor logits;  ///< [1, classes, rows, cols]
};

struct Errors {
  double gradient = 0.0;  ///< max over tensors of max|d| / max|reference|
  double loss = 0.0;
  double logits = 0.0;
};

std::unique_ptr<PixelLoss> make_test_loss(LossKind kind, std::vector<double> class_weights);
Graph make_graph(const Case& c);
NamedTensors make_parameters(const Case& c);
std::vector<LayerId> layers_by_name(const Graph& graph, const std::vector<std::string>& names);
Streamed stream(const Case& c);
Streamed stream(const Case& c, const SegmentKernel& kernel, const Graph& graph,
                const PixelLoss& loss);
/// On one rank of a group; its logits are those of its own tiles, zero elsewhere.
Streamed stream_on(Group& ranks, const Case& c, const PixelSource& image);
/// Compares with plain whole-image autograd; not-finite values give infinity.
Errors compare(const Case& c, const Streamed& streamed);
inline Errors errors_of(const Case& c) { return compare(c, stream(c)); }

}  // namespace untiled::testing
