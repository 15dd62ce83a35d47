#include "lib/kernels/fused_kernel.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "lib/kernels/fused/decoder_block.h"
#include "lib/kernels/fused/encoder_block.h"
#include "lib/kernels/fused/output_block.h"
#include "lib/kernels/gradient_buffers.h"
#include "lib/kernels/row_loss.h"
#include "lib/streaming/prediction.h"

namespace untiled {
namespace {

using Kind = FusedBlock::Kind;

/// Lanes and totals of a weight's gradient, copies of the weight in other orders.
constexpr int64_t kBytesPerWeight = fused::kLanes * 4 + 32;

fused::PlaneCrop crop_of(const at::Tensor& values, const Region& region) {
  return {values.const_data_ptr<float>(), values.size(1), region, values.stride(1),
          values.stride(2)};
}

fused::PlaneTarget target_of(at::Tensor& values, const Region& region) {
  return {values.mutable_data_ptr<float>(), values.size(1), region};
}

at::Tensor planes(int64_t channels, const Region& region) {
  return at::empty({1, channels, region.rows.size(), region.cols.size()}, at::kFloat);
}

/// float64 sums in the shape of their parameter.
at::Tensor sums_like(const std::vector<double>& sums, const at::Tensor& parameter) {
  return at::tensor(sums, at::kDouble).view(parameter.sizes());
}

}  // namespace

/// One tile of a segment made of blocks: values of blocks' results on the way forward, their
/// gradients on the way back.
class FusedKernel::Tile {
 public:
  Tile(const FusedKernel& kernel, TileRequest request)
      : graph_(kernel.graph_),
        rows_(kernel.rows_),
        segment_(request.segment),
        regions_(request.regions),
        extents_(request.extents),
        parameters_(request.parameters),
        values_(std::move(request.crops)),
        buffers_(request.regions, kernel.graph_.layers().size()) {
    gradients_.parameters.resize(parameters_.size());
    gradients_.inputs.resize(values_.size());
  }

  void forward(const std::vector<const FusedBlock*>& blocks) {
    for (const FusedBlock* block : blocks) forward(*block);
  }
  at::Tensor take_value(LayerId id) { return std::move(values_[index(id)]); }
  at::Tensor take_target() { return take_value(segment_.target); }

  /// An encoder, its first layer's values too, as far as they lie in the result's region.
  void forward_keeping(const FusedBlock& block) {
    const Region& out = region(block.result());
    at::Tensor result = planes(graph_.layer(block.result()).channels, out);
    at::Tensor between = planes(graph_.layer(block.first_weights).channels, out);
    if (!out.empty()) {
      fused::encoder_forward(rows_, encoder_tile(block), target_of(result, out),
                             target_of(between, out));
    }
    values_[index(block.result())] = std::move(result);
    values_[index(block.first_weights)] = std::move(between);
  }

  /// Predictions by the output block, with the loss where `loss` is given.
  TilePrediction output_predict(const FusedBlock& block, const at::Tensor& labels,
                                const PredictionRequest& request) {
    const fused::OutputTile tile = output_tile(block);
    TilePrediction result;
    result.classes.resize(static_cast<size_t>(tile.own.area()));
    fused::OutputPrediction target{.cut = static_cast<float>(logit_threshold(request.threshold)),
                                   .classes = result.classes.data()};
    if (request.probabilities) {
      result.probabilities.resize(static_cast<size_t>(tile.head.out * tile.own.area()));
      target.probabilities = result.probabilities.data();
    }
    std::optional<RowLoss> loss;
    if (request.loss != nullptr) {
      target.labels = labels.const_data_ptr<uint8_t>();
      loss.emplace(*request.loss, LossSums(), tile.head.out, rows_, /*with_gradient=*/false);
      target.loss = std::ref(*loss);
    }
    if (!fused::output_predict(rows_, tile, target)) throw_not_finite();
    if (loss) result.loss_sums = loss->sums();
    return result;
  }

  /// The output block with its loss; `gradient` asks for the way back through it as well.
  at::Tensor output_loss(const FusedBlock& block, const at::Tensor& labels, const PixelLoss& loss,
                         const LossSums& totals, bool gradient) {
    const fused::OutputTile tile = output_tile(block);
    RowLoss row(loss, totals, tile.head.out, rows_, gradient);
    const auto* label_data = labels.const_data_ptr<uint8_t>();
    if (gradient) {
      LayerTensors inputs = input_gradients(block, tile.upsampling.in());
      keep(block, fused::output_loss_backward(rows_, tile, label_data, std::ref(row),
                                              targets(inputs, tile.upsampling.in())));
      add_inputs(block, inputs, tile.upsampling.in());
    } else {
      fused::output_loss(rows_, tile, label_data, std::ref(row));
    }
    return at::tensor(row.sums(), at::kDouble);
  }

  void start_backward(at::Tensor gradient) {
    buffers_.add(segment_.target, {std::move(gradient), region(segment_.target)});
  }
  void backward(const std::vector<const FusedBlock*>& blocks) {
    for (auto it = blocks.rbegin(); it != blocks.rend(); ++it) backward(**it);
  }
  TileGradients take_gradients() {
    for (const LayerId id : segment_.inputs) {
      if (id != kPixelLayer) gradients_.inputs[index(id)] = buffers_.take(id);
    }
    return std::move(gradients_);
  }

 private:
  const Region& region(LayerId id) const { return regions_[index(id)]; }

  fused::LayerWeights weights(LayerId id) const {
    const Layer& layer = graph_.layer(id);
    const auto at = static_cast<size_t>(layer.parameter);
    return {parameters_[at].const_data_ptr<float>(), parameters_[at + 1].const_data_ptr<float>(),
            layer.geometry.kernel, graph_.input_channels(id), layer.channels};
  }

  fused::PixelCrop pixels() const {
    return {values_[0].const_data_ptr<uint8_t>(), values_[0].stride(0), region(kPixelLayer)};
  }

  fused::EncoderTile encoder_tile(const FusedBlock& block) const {
    const LayerId input = block.inputs.front();
    fused::EncoderTile tile{.down = weights(block.first_weights),
                            .refine = weights(block.result()),
                            .input = {},
                            .in_extent = extents_[index(input)],
                            .out_extent = extents_[index(block.result())],
                            .out = region(block.result())};
    if (input == kPixelLayer) {
      tile.input = pixels();
    } else {
      tile.input = crop_of(values_[index(input)], region(input));
    }
    return tile;
  }

  fused::UpsamplingTile upsampling_tile(const FusedBlock& block, const Region& out) const {
    fused::UpsamplingTile tile{.layer = weights(block.first_weights),
                               .inputs = {},
                               .in_extent = extents_[index(block.inputs.front())],
                               .out_extent = extents_[index(block.first_weights)],
                               .out = out};
    for (const LayerId id : block.inputs) {
      if (id != kPixelLayer) tile.inputs.push_back(crop_of(values_[index(id)], region(id)));
    }
    return tile;
  }

  fused::OutputTile output_tile(const FusedBlock& block) const {
    const fused::LayerWeights head = weights(block.result());
    const Region own = region(block.result());
    const Region features = fused::OutputTile::features(own, head.kernel, extents_[0]);
    return {.upsampling = upsampling_tile(block, features),
            .head = head,
            .pixels = pixels(),
            .own = own};
  }

  void forward(const FusedBlock& block) {
    const Region& out = region(block.result());
    at::Tensor result = planes(graph_.layer(block.result()).channels, out);
    if (!out.empty()) {
      const fused::PlaneTarget target = target_of(result, out);
      switch (block.kind) {
        case Kind::kEncoder:
          fused::encoder_forward(rows_, encoder_tile(block), target);
          break;
        case Kind::kDecoder:
          fused::decoder_forward(rows_, upsampling_tile(block, out), target);
          break;
        case Kind::kOutput:
          fused::output_forward(rows_, output_tile(block), target);
          break;
      }
    }
    values_[index(block.result())] = std::move(result);
  }

  void backward(const FusedBlock& block) {
    at::Tensor gradient = buffers_.take(block.result());
    if (!gradient.defined()) return;
    if (gradient.stride(3) != 1) gradient = gradient.contiguous();
    const Region& out = region(block.result());
    if (block.kind == Kind::kEncoder) {
      encoder_backward(block, crop_of(gradient, out));
      return;
    }
    if (block.kind == Kind::kDecoder) {
      const fused::UpsamplingTile tile = upsampling_tile(block, out);
      LayerTensors inputs = input_gradients(block, tile.in());
      keep(block.first_weights, fused::decoder_backward(rows_, tile, crop_of(gradient, out),
                                                        targets(inputs, tile.in())));
      add_inputs(block, inputs, tile.in());
      return;
    }
    const fused::OutputTile tile = output_tile(block);
    LayerTensors inputs = input_gradients(block, tile.upsampling.in());
    keep(block, fused::output_backward(rows_, tile, crop_of(gradient, out),
                                       targets(inputs, tile.upsampling.in())));
    add_inputs(block, inputs, tile.upsampling.in());
  }

  void encoder_backward(const FusedBlock& block, const fused::PlaneCrop& gradient) {
    const fused::EncoderTile tile = encoder_tile(block);
    const LayerId input = block.inputs.front();
    at::Tensor into;
    fused::PlaneTarget target;
    if (input != kPixelLayer) {
      into = planes(graph_.layer(input).channels, tile.input_region());
      target = target_of(into, tile.input_region());
    }
    const fused::EncoderSums sums = encoder_sums(block, tile, gradient, target);
    keep(block.first_weights, sums.down);
    keep(block.result(), sums.refine);
    if (input != kPixelLayer) buffers_.add(input, {into, tile.input_region()});
  }

  /// From kept values where there are such.
  fused::EncoderSums encoder_sums(const FusedBlock& block, const fused::EncoderTile& tile,
                                  const fused::PlaneCrop& gradient,
                                  const fused::PlaneTarget& target) const {
    const at::Tensor& between = values_[index(block.first_weights)];
    const at::Tensor& out = values_[index(block.result())];
    if (!between.defined() || !out.defined()) {
      return fused::encoder_backward(rows_, tile, gradient, target);
    }
    const fused::EncoderValues kept = {crop_of(between, region(block.first_weights)),
                                       crop_of(out, region(block.result()))};
    return fused::encoder_backward(rows_, tile, kept, gradient, target);
  }

  LayerTensors input_gradients(const FusedBlock& block, const Region& in) const {
    LayerTensors gradients;
    for (const LayerId id : block.inputs) {
      if (id != kPixelLayer) gradients.push_back(planes(graph_.layer(id).channels, in));
    }
    return gradients;
  }

  static std::vector<fused::PlaneTarget> targets(LayerTensors& inputs, const Region& in) {
    std::vector<fused::PlaneTarget> result;
    for (at::Tensor& input : inputs) result.push_back(target_of(input, in));
    return result;
  }

  void add_inputs(const FusedBlock& block, const LayerTensors& inputs, const Region& in) {
    for (size_t i = 0; i < inputs.size(); ++i) buffers_.add(block.inputs[i], {inputs[i], in});
  }

  void keep(LayerId id, const fused::LayerSums& sums) {
    const auto at = static_cast<size_t>(graph_.layer(id).parameter);
    gradients_.parameters[at] = sums_like(sums.weight, parameters_[at]);
    gradients_.parameters[at + 1] = sums_like(sums.bias, parameters_[at + 1]);
  }
  void keep(const FusedBlock& block, const fused::OutputSums& sums) {
    keep(block.first_weights, sums.upsampling);
    keep(block.result(), sums.head);
  }

  const Graph& graph_;
  const fused::RowKernels& rows_;
  const Segment& segment_;
  const TileRegions& regions_;
  const std::vector<Extent>& extents_;
  const std::vector<at::Tensor>& parameters_;
  LayerTensors values_;
  GradientBuffers buffers_;
  TileGradients gradients_;
};

FusedKernel::FusedKernel(const Graph& graph, const std::string& simd)
    : graph_(graph),
      libtorch_(graph),
      rows_(fused::row_kernels(simd)),
      blocks_(fused_blocks(graph)) {}

std::vector<const FusedBlock*> FusedKernel::blocks_of(const Segment& segment) const {
  std::vector<const FusedBlock*> blocks;
  size_t covered = 0;
  for (const FusedBlock& block : blocks_) {
    const auto inside = std::count_if(block.layers.begin(), block.layers.end(), [&](LayerId id) {
      return std::find(segment.layers.begin(), segment.layers.end(), id) != segment.layers.end();
    });
    if (inside == 0) continue;
    if (static_cast<size_t>(inside) != block.layers.size()) return {};
    blocks.push_back(&block);
    covered += block.layers.size();
  }
  if (covered != segment.layers.size()) return {};
  return blocks;
}

bool FusedKernel::fuses(const Segment& segment) const { return !blocks_of(segment).empty(); }

int64_t FusedKernel::weight_count(const FusedBlock& block) const {
  int64_t count = 0;
  for (const LayerId id : block.layers) {
    const Layer& layer = graph_.layer(id);
    if (layer.parameter < 0) continue;
    count +=
        layer.channels * graph_.input_channels(id) * layer.geometry.kernel * layer.geometry.kernel;
  }
  return count;
}

int64_t FusedKernel::tile_bytes(const Segment& segment, const TileRegions& regions,
                                bool with_backward) const {
  // A value, its gradient and, where there are several blocks, one block's contribution to that.
  const int64_t several = blocks_of(segment).size() > 1 ? 3 : 2;
  const int64_t copies = with_backward ? several : 1;
  const auto planes_of = [&](LayerId id) {
    return graph_.layer(id).channels * regions[index(id)].area() * int64_t{sizeof(float)};
  };
  int64_t bytes = 0;
  for (const LayerId id : segment.inputs) {
    // Stored values are looked at where they are.
    bytes += id == kPixelLayer ? graph_.layer(kPixelLayer).channels * regions[0].area()
                               : (copies - 1) * planes_of(id);
  }
  for (const FusedBlock* block : blocks_of(segment)) {
    if (with_backward) bytes += kBytesPerWeight * weight_count(*block);
    const LayerId id = block->result();
    if (block->kind != Kind::kOutput || !with_backward) {
      // On the way back the segment's own result is not made once more.
      bytes += (id == segment.target ? 1 : copies) * planes_of(id);
    } else {
      bytes += regions[index(id)].area();  // The labels: the loss is taken row by row.
    }
  }
  return bytes;
}

at::Tensor FusedKernel::forward(TileRequest request) const {
  const auto blocks = blocks_of(request.segment);
  if (blocks.empty()) {
    return libtorch_.forward(std::move(request));
  }
  Tile tile(*this, std::move(request));
  tile.forward(blocks);
  return tile.take_target();
}

std::vector<LayerId> FusedKernel::kept_layers(const Segment& segment) const {
  const auto blocks = blocks_of(segment);
  if (blocks.size() != 1 || blocks.front()->kind != Kind::kEncoder) return {};
  return {blocks.front()->first_weights, blocks.front()->result()};
}

LayerTensors FusedKernel::forward_keeping(TileRequest request,
                                          const std::vector<LayerId>& kept) const {
  if (kept.empty()) {
    return SegmentKernel::forward_keeping(std::move(request), kept);
  }
  const FusedBlock& encoder = *blocks_of(request.segment).front();
  Tile tile(*this, std::move(request));
  tile.forward_keeping(encoder);
  LayerTensors values(graph_.layers().size());
  for (const LayerId id : encoder.layers) values[index(id)] = tile.take_value(id);
  return values;
}

TileGradients FusedKernel::backward(TileRequest request, at::Tensor target_gradient) const {
  const auto blocks = blocks_of(request.segment);
  if (blocks.empty()) {
    return libtorch_.backward(std::move(request), std::move(target_gradient));
  }
  Tile tile(*this, std::move(request));
  // The way back through a block makes its rows anew: the last one's result is not read.
  tile.forward({blocks.begin(), blocks.end() - 1});
  tile.start_backward(std::move(target_gradient));
  tile.backward(blocks);
  return tile.take_gradients();
}

at::Tensor FusedKernel::loss_sums(TileRequest request, const at::Tensor& labels,
                                  const PixelLoss& loss) const {
  auto blocks = blocks_of(request.segment);
  if (blocks.empty() || !RowLoss::exists(loss)) {
    return SegmentKernel::loss_sums(std::move(request), labels, loss);
  }
  const FusedBlock& output = *blocks.back();
  blocks.pop_back();
  Tile tile(*this, std::move(request));
  tile.forward(blocks);
  return tile.output_loss(output, labels, loss, {}, /*gradient=*/false);
}

TileLoss FusedKernel::loss_backward(TileRequest request, const at::Tensor& labels,
                                    const PixelLoss& loss, const LossSums& totals) const {
  auto blocks = blocks_of(request.segment);
  if (blocks.empty()) {
    return libtorch_.loss_backward(std::move(request), labels, loss, totals);
  }
  Tile tile(*this, std::move(request));
  TileLoss result;
  if (RowLoss::exists(loss)) {
    const FusedBlock& output = *blocks.back();
    blocks.pop_back();
    tile.forward(blocks);
    result.sums = tile.output_loss(output, labels, loss, totals, /*gradient=*/true);
  } else {
    tile.forward(blocks);
    const at::Tensor logits = tile.take_target();
    result.sums = loss.sums(logits, labels);
    tile.start_backward(loss.gradient(logits, labels, totals));
  }
  tile.backward(blocks);
  result.gradients = tile.take_gradients();
  return result;
}

TilePrediction FusedKernel::predict(TileRequest request, const at::Tensor& labels,
                                    const PredictionRequest& wanted) const {
  auto blocks = blocks_of(request.segment);
  if (blocks.empty() || (wanted.loss != nullptr && !RowLoss::exists(*wanted.loss))) {
    return SegmentKernel::predict(std::move(request), labels, wanted);
  }
  const FusedBlock& output = *blocks.back();
  blocks.pop_back();
  Tile tile(*this, std::move(request));
  tile.forward(blocks);
  return tile.output_predict(output, labels, wanted);
}

}  // namespace untiled
