#include "tests/streaming/streaming_fixtures.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "lib/kernels/libtorch_kernel.h"
#include "lib/ranks/thread_ranks.h"
#include "lib/streaming/verification.h"
#include "lib/train/losses.h"
#include "models/unet_module.h"

namespace untiled::testing {

PixelBlock MemorySource::read(const Region& region) const {
  PixelBlock block{.region = region, .channels = channels_};
  for (int64_t y = region.rows.begin; y < region.rows.end; ++y) {
    const int64_t begin = y * extent_.cols + region.cols.begin;
    const int64_t end = y * extent_.cols + region.cols.end;
    block.bytes.insert(block.bytes.end(), bytes_.begin() + begin * channels_,
                       bytes_.begin() + end * channels_);
    if (missing_.empty()) continue;
    block.missing.insert(block.missing.end(), missing_.begin() + begin, missing_.begin() + end);
  }
  return block;
}

std::shared_ptr<MemorySource> random_image(Extent extent, uint64_t seed) {
  Random random(seed, 1);
  Bytes bytes(static_cast<size_t>(extent.area() * 3));
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(random.below(256));
  return std::make_shared<MemorySource>(extent, 3, std::move(bytes));
}

std::shared_ptr<MemorySource> random_labels(Extent extent, int classes, double ignored,
                                            uint64_t seed) {
  Random random(seed, 2);
  Bytes bytes(static_cast<size_t>(extent.area()));
  for (uint8_t& b : bytes) {
    b = random.uniform() < ignored ? kIgnoredLabel
                                   : static_cast<uint8_t>(random.below(std::max(classes, 2)));
  }
  return std::make_shared<MemorySource>(extent, 1, std::move(bytes));
}

std::unique_ptr<PixelLoss> make_test_loss(LossKind kind, std::vector<double> class_weights) {
  return make_loss(kind, 1, std::move(class_weights));
}

Graph make_graph(const Case& c) { return unet_graph(c.model, c.classes); }

NamedTensors make_parameters(const Case& c) {
  NamedTensors parameters = random_parameters(make_graph(c), c.seed);
  for (at::Tensor& t : parameters.tensors) t = t.to(c.dtype);
  return parameters;
}

std::vector<LayerId> layers_by_name(const Graph& graph, const std::vector<std::string>& names) {
  if (names == std::vector<std::string>{"all"}) return graph.storable_layers();
  std::vector<LayerId> ids;
  for (const std::string& name : names) {
    LayerId found = kNoLayer;
    for (LayerId id = kPixelLayer; id <= graph.output(); ++id) {
      if (graph.layer(id).name == name) found = id;
    }
    if (found == kNoLayer) throw std::invalid_argument("no layer " + name);
    ids.push_back(found);
  }
  return ids;
}

namespace {

Streamed stream_on(Group& ranks, const Case& c, const PixelSource& image,
                   const SegmentKernel& kernel, const Graph& graph, const PixelLoss& loss) {
  const auto labels = random_labels(c.extent, c.classes, c.ignored, c.seed);
  const Order order = c.scratch.empty() ? c.order : Order::kPasses;
  Plan plan =
      make_plan(graph, layers_by_name(graph, c.stored), {c.tile, c.tile}, Tiling::kGrid, order);
  plan.windows = c.windows;
  if (!c.scratch.empty()) plan.spilled = plan.stored;
  ExecutorOptions options{.dtype = c.dtype, .workers = c.workers, .scratch = c.scratch};
  options.ranks = &ranks;
  options.link = c.link;
  options.layout = c.layout;
  const Executor executor(graph, plan, kernel, options);
  const NamedTensors parameters = make_parameters(c);
  Streamed result;
  result.logits = at::zeros({1, c.classes, c.extent.rows, c.extent.cols}, c.dtype);
  executor.forward(parameters.tensors, image, [&](const Region& r, const at::Tensor& logits) {
    result.logits.narrow(2, r.rows.begin, r.rows.size())
        .narrow(3, r.cols.begin, r.cols.size())
        .add_(logits);
    return [] {};
  });
  result.step = executor.step(parameters.tensors, image, *labels, loss);
  return result;
}

}  // namespace

Streamed stream(const Case& c, const SegmentKernel& kernel, const Graph& graph,
                const PixelLoss& loss) {
  const auto image = random_image(c.extent, c.seed);
  std::vector<Streamed> results(static_cast<size_t>(c.ranks));
  run_thread_ranks(c.ranks, [&](Group& ranks) {
    results[static_cast<size_t>(ranks.rank())] = stream_on(ranks, c, *image, kernel, graph, loss);
  });
  for (size_t rank = 1; rank < results.size(); ++rank) {
    results[0].logits.add_(results[rank].logits);
    for (size_t i = 0; i < results[0].step.gradients.size(); ++i) {
      if (results[0].step.gradients[i].equal(results[rank].step.gradients[i])) continue;
      throw InternalError("ranks have different gradients");
    }
  }
  return std::move(results[0]);
}

Streamed stream_on(Group& ranks, const Case& c, const PixelSource& image) {
  const Graph graph = make_graph(c);
  return stream_on(ranks, c, image, LibTorchKernel(graph), graph,
                   *make_loss(c.loss, c.classes, c.class_weights));
}

Streamed stream(const Case& c) {
  const Graph graph = make_graph(c);
  return stream(c, LibTorchKernel(graph), graph, *make_loss(c.loss, c.classes, c.class_weights));
}

Errors compare(const Case& c, const Streamed& streamed) {
  const auto image = random_image(c.extent, c.seed);
  const auto labels = random_labels(c.extent, c.classes, c.ignored, c.seed);
  const at::Tensor pixels =
      at::from_blob(image->bytes().data(), {c.extent.rows, c.extent.cols, 3}, at::kByte)
          .permute({2, 0, 1})
          .unsqueeze(0)
          .to(c.dtype)
          .contiguous()
          .div_(255.0);
  const at::Tensor label =
      at::from_blob(labels->bytes().data(), {c.extent.rows, c.extent.cols}, at::kByte);
  const WholeImageStep whole =
      whole_image_step(c.model, make_parameters(c), pixels, label, c.loss, c.class_weights);
  Errors errors;
  errors.loss = relative_error(streamed.step.loss, whole.loss);
  errors.logits = relative_error(streamed.logits, whole.logits);
  for (size_t i = 0; i < whole.gradients.size(); ++i) {
    errors.gradient =
        std::max(errors.gradient, relative_error(streamed.step.gradients[i], whole.gradients[i]));
  }
  return errors;
}

}  // namespace untiled::testing
