#include "lib/layered/layered_run.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/core/error.h"
#include "lib/layered/tensors.h"

namespace untiled {
namespace {

constexpr double kNormEpsilon = 1e-5;

std::vector<double> to_doubles(const at::Tensor& t) {
  const at::Tensor d = t.to(at::kCPU, at::kDouble).contiguous();
  const auto* values = d.const_data_ptr<double>();
  return {values, values + d.numel()};
}

at::Tensor to_tensor(const std::vector<double>& values, at::IntArrayRef shape) {
  return at::from_blob(const_cast<double*>(values.data()), shape, at::kDouble).clone();
}

/// Adds a tile's tensor, whose values lie in the order of the sums.
void add_tensor(ExactSum& sum, const at::Tensor& t) {
  const auto count = static_cast<size_t>(t.numel());
  if (t.scalar_type() == at::kDouble) {
    sum.add(std::span(t.const_data_ptr<double>(), count));
  } else {
    sum.add(std::span(t.const_data_ptr<float>(), count));
  }
}

}  // namespace

LayeredRun::LayeredRun(const Graph& graph, const Program& program, const LayeredOptions& options,
                       const Inputs& inputs, FeatureWork features)
    : graph_(graph),
      program_(program),
      options_(options),
      inputs_(inputs),
      features_(std::move(features)) {
  const size_t layers = graph.layers().size();
  for (size_t l = 0; l < layers; ++l) strides_.push_back(graph.stride(layer_at(l)));
  for (const LabelledSlide& input : inputs.slides) {
    const Region own = input.own_pixels.at(static_cast<size_t>(inputs.ranks.rank()));
    slides_.push_back(
        {.input = input,
         .partition = Partition(input.pixels->extent(), own, lattice_of(graph, options.tile)),
         .extents = graph.extents(input.pixels->extent()),
         .values = Fields(layers),
         .gradients = Fields(layers),
         .choices = Fields(layers)});
  }
  for (const at::Tensor& p : inputs.parameters) {
    const at::Tensor typed = p.to(at::kCPU, options.dtype);
    parameters_.push_back(typed.dim() == 4 ? typed.contiguous(at::MemoryFormat::ChannelsLast)
                                           : typed.contiguous());
    step_.gradients.push_back(at::zeros(p.sizes(), at::kDouble));
  }
  make_convs();
  if (inputs.statistics == Statistics::kOfStep) return;
  for (size_t i = 0; i < program.norms.size(); ++i) {
    statistics_[program.norms[i]] = inputs.running[i];
    set_norm(program.norms[i]);
  }
}

void LayeredRun::make_convs() {
  const ConvRows* rows = options_.uses_row_kernels ? conv_rows() : nullptr;
  for (const Node& node : program_.nodes) {
    const Layer& layer = graph_.layer(node.layer);
    if (layer.kind != LayerKind::kConv) continue;
    const at::Tensor bias = layer.has_bias ? parameter(node.layer, true) : at::Tensor();
    convs_.emplace(node.layer,
                   TileConv(parameter(node.layer, false), bias, layer.geometry.stride, rows));
  }
}

void LayeredRun::play(const std::vector<LayeredTask>& schedule) {
  for (const LayeredTask& task : schedule) play(task);
}

void LayeredRun::play(const LayeredTask& task) {
  switch (task.act) {
    case Act::kValues:
      return make_values(task.layer, needs_moments(task.layer));
    case Act::kValuesAgain:
      return make_values(task.layer, false);
    case Act::kMoments:
      if (needs_moments(task.layer)) make_moments(task.layer);
      return;
    case Act::kHead:
      return make_head();
    case Act::kGradient:
      return make_gradient(task.layer);
    case Act::kWeights:
      if (graph_.layer(task.layer).kind == LayerKind::kConv) make_weight_gradient(task.layer);
      return;
    case Act::kForgetValues:
      for (Slide& slide : slides_) slide.values[index(task.layer)].reset();
      return;
    case Act::kForgetGradient:
      for (Slide& slide : slides_) {
        slide.gradients[index(task.layer)].reset();
        slide.choices[index(task.layer)].reset();
      }
      return;
  }
}

LayeredStep LayeredRun::result() && {
  if (inputs_.statistics == Statistics::kOfStep) {
    for (const LayerId norm : program_.norms) step_.statistics.push_back(statistics_.at(norm));
  }
  return std::move(step_);
}

bool LayeredRun::needs_moments(LayerId layer) const {
  return inputs_.statistics == Statistics::kOfStep &&
         program_.reading_of[index(layer)].norm != kNoLayer;
}

// --- Forward -------------------------------------------------------------------------------------

void LayeredRun::make_values(LayerId layer, bool with_moments) {
  const Node& node = program_.node_of(layer);
  const bool has_choices = keeps_choices(layer);
  for (Slide& slide : slides_) {
    slide.values[index(layer)] = make_field(slide, layer, options_.dtype);
    if (has_choices) slide.choices[index(layer)] = make_field(slide, layer, at::kByte);
  }
  const std::vector<Tile> tiles = tiles_of(layer);
  std::vector<TileMoments> moments(with_moments ? tiles.size() : 0);
  for_each_tile(tiles, [&](size_t i, const Tile& tile) {
    write_values(node, tile);
    if (with_moments) moments[i] = tile_moments(value(tile.slide, layer, tile.region));
  });
  if (with_moments) finish_moments(layer, moments);
  exchange(layer, &Slide::values);
  if (has_choices) exchange(layer, &Slide::choices);
}

void LayeredRun::write_values(const Node& node, const Tile& tile) {
  const Slide& slide = slides_[tile.slide];
  const size_t i = index(node.layer);
  if (!keeps_choices(node.layer)) {
    TensorField& values = *slide.values[i];
    values.write(tile.region, compute(tile.slide, node, tile.region, values.place(tile.region)));
    return;
  }
  const PooledTile pooled = pool(tile.slide, node, tile.region);
  slide.values[i]->write(tile.region, pooled.values);
  slide.choices[i]->write(tile.region, pooled.choices);
}

bool LayeredRun::keeps_choices(LayerId layer) const {
  return inputs_.loss != nullptr && graph_.layer(layer).kind == LayerKind::kMaxPool;
}

void LayeredRun::make_moments(LayerId layer) {
  const std::vector<Tile> tiles = tiles_of(layer);
  std::vector<TileMoments> moments(tiles.size());
  for_each_tile(tiles, [&](size_t i, const Tile& tile) {
    moments[i] = tile_moments(value(tile.slide, layer, tile.region));
  });
  finish_moments(layer, moments);
}

/// The variance from the tiles' own about the mean of all: no square of a mean is taken.
void LayeredRun::finish_moments(LayerId layer, const std::vector<TileMoments>& tiles) {
  const LayerId norm = program_.reading_of[index(layer)].norm;
  const auto channels = static_cast<size_t>(graph_.layer(layer).channels);
  const int64_t count = count_pixels(layer);
  if (count < 2) {
    throw ConfigError(fmt::format(
        "{} normalises one pixel a channel, which has no variance; give larger slides, more slides "
        "a step (train.batch), or model.norm frozen or none",
        graph_.layer(norm).name));
  }
  const auto pixels = static_cast<double>(count);
  const auto mean_over_tiles = [&](const auto& term) {
    ExactSum sum(channels);
    std::vector<double> terms(channels);
    for (const TileMoments& tile : tiles) {
      for (size_t c = 0; c < channels; ++c) terms[c] = term(tile, c);
      sum.add(std::span<const double>(terms));
    }
    std::vector<double> values = total(sum);
    for (double& v : values) v /= pixels;
    return values;
  };
  NormStatistics statistics{.count = count};
  statistics.mean = mean_over_tiles([](const TileMoments& tile, size_t c) {
    return static_cast<double>(tile.count) * tile.mean[c];
  });
  statistics.variance = mean_over_tiles([&](const TileMoments& tile, size_t c) {
    const double off = tile.mean[c] - statistics.mean[c];
    return tile.squares[c] + static_cast<double>(tile.count) * off * off;
  });
  statistics_[norm] = std::move(statistics);
  set_norm(norm);
}

void LayeredRun::set_norm(LayerId norm) {
  const NormStatistics& statistics = statistics_.at(norm);
  NormValues values{.mean = statistics.mean,
                    .weight = to_doubles(parameter(norm, false)),
                    .bias = to_doubles(parameter(norm, true))};
  for (const double v : statistics.variance) {
    values.inverse_deviation.push_back(1.0 / std::sqrt(v + kNormEpsilon));
  }
  norms_[norm] = std::move(values);
}

// --- The head ------------------------------------------------------------------------------------

void LayeredRun::make_head() {
  const auto channels = static_cast<size_t>(graph_.layer(program_.mean).channels);
  const LayerId last = program_.pooled.value;
  std::vector<ExactSum> sums(slides_.size(), ExactSum(channels));
  std::mutex mutex;
  for_each_tile(tiles_of(last), [&](size_t /*i*/, const Tile& tile) {
    const at::Tensor features = read(tile.slide, program_.pooled, tile.region);
    if (features_) features_(tile.slide, tile.region, features);
    const at::Tensor sum = channel_sums(features);
    const std::lock_guard lock(mutex);
    add_tensor(sums[tile.slide], sum);
  });
  std::vector<std::vector<double>> pooled;
  for (size_t i = 0; i < slides_.size(); ++i) {
    pooled.push_back(total(sums[i]));
    const auto area = static_cast<double>(slides_[i].extents[index(last)].area());
    for (double& v : pooled.back()) v /= area;
  }
  apply_linear(pooled);
  if (inputs_.loss == nullptr) return;
  std::vector<int64_t> labels;
  for (const Slide& slide : slides_) labels.push_back(slide.input.label);
  const SlideLossValue value = evaluate_loss(*inputs_.loss, step_.logits, labels);
  step_.loss = value.loss;
  linear_backward(pooled, value);
}

void LayeredRun::apply_linear(const std::vector<std::vector<double>>& pooled) {
  const std::vector<double> weight = to_doubles(parameter(program_.linear, false));
  const std::vector<double> bias = to_doubles(parameter(program_.linear, true));
  for (const std::vector<double>& features : pooled) {
    std::vector<double> logits = bias;
    for (size_t k = 0; k < logits.size(); ++k) {
      for (size_t c = 0; c < features.size(); ++c) {
        logits[k] += weight[k * features.size() + c] * features[c];
      }
    }
    step_.logits.push_back(std::move(logits));
  }
}

/// Every rank computes this alike, so it is nobody's partial sum.
void LayeredRun::linear_backward(const std::vector<std::vector<double>>& pooled,
                                 const SlideLossValue& value) {
  const std::vector<double> weight = to_doubles(parameter(program_.linear, false));
  const auto place = static_cast<size_t>(graph_.layer(program_.linear).parameter);
  const size_t channels = pooled.front().size();
  auto* weight_gradient = step_.gradients[place].mutable_data_ptr<double>();
  auto* bias_gradient = step_.gradients[place + 1].mutable_data_ptr<double>();
  for (size_t i = 0; i < slides_.size(); ++i) {
    const auto area = static_cast<double>(slides_[i].extents[index(program_.pooled.value)].area());
    slides_[i].pooled_gradient.assign(channels, 0.0);
    for (size_t k = 0; k < value.gradients[i].size(); ++k) {
      const double g = value.gradients[i][k];
      bias_gradient[k] += g;
      for (size_t c = 0; c < channels; ++c) {
        weight_gradient[k * channels + c] += g * pooled[i][c];
        slides_[i].pooled_gradient[c] += g * weight[k * channels + c] / area;
      }
    }
  }
}

// --- Backward ------------------------------------------------------------------------------------

void LayeredRun::make_gradient(LayerId layer) {
  const LayerId norm = program_.reading_of[index(layer)].norm;
  const bool stores = is_stored(layer);
  if (!stores && norm == kNoLayer) return;
  if (stores) {
    for (Slide& slide : slides_) {
      slide.gradients[index(layer)] = make_field(slide, layer, options_.dtype);
    }
  }
  const auto channels = static_cast<size_t>(graph_.layer(layer).channels);
  ExactSum sums(2 * channels);
  std::mutex mutex;
  for_each_tile(tiles_of(layer), [&](size_t /*i*/, const Tile& tile) {
    NormGradientSums partial;
    TensorField* field = slides_[tile.slide].gradients[index(layer)].get();
    const at::Tensor onto =
        stores ? field->place(tile.region)
               : empty_tile(graph_.layer(layer).channels, tile.region.extent(), options_.dtype);
    const at::Tensor gradient = pull_gradient(tile.slide, layer, tile.region, onto, &partial);
    if (stores) field->write(tile.region, gradient);
    if (norm == kNoLayer) return;
    const std::lock_guard lock(mutex);
    sums.add(std::span<const double>(partial.gradient));
    sums.add(std::span<const double>(partial.product), channels);
  });
  if (norm != kNoLayer) finish_norm_gradient(layer, norm, sums);
  if (stores) exchange(layer, &Slide::gradients);
}

void LayeredRun::finish_norm_gradient(LayerId layer, LayerId norm, ExactSum& sums) {
  const std::vector<double> values = total(sums);
  const auto channels = static_cast<std::ptrdiff_t>(values.size() / 2);
  NormGradientSums totals{{values.begin(), values.begin() + channels},
                          {values.begin() + channels, values.end()}};
  const auto place = static_cast<size_t>(graph_.layer(norm).parameter);
  step_.gradients[place] = to_tensor(totals.product, {channels});
  step_.gradients[place + 1] = to_tensor(totals.gradient, {channels});
  if (inputs_.statistics == Statistics::kRunning) return;  // Constants: no gradient goes there.
  const auto pixels = static_cast<double>(count_pixels(layer));
  for (std::vector<double>* sum : {&totals.gradient, &totals.product}) {
    for (double& v : *sum) v /= pixels;
  }
  norm_means_[norm] = std::move(totals);
}

void LayeredRun::make_weight_gradient(LayerId id) {
  const Layer& layer = graph_.layer(id);
  const Node& node = program_.node_of(id);
  const at::IntArrayRef shape = parameter(id, false).sizes();
  ExactSum weights(static_cast<size_t>(parameter(id, false).numel()));
  ExactSum biases(static_cast<size_t>(layer.channels));
  std::mutex mutex;
  for_each_tile(tiles_of(id), [&](size_t /*i*/, const Tile& tile) {
    const at::Tensor gradient = output_gradient(tile.slide, id, tile.region);
    const at::Tensor window =
        read_window(tile.slide, node.inputs.front(), graph_.input_region(id, tile.region), 0.0);
    const at::Tensor term = convs_.at(id).weight_gradient(gradient, window);
    const at::Tensor bias = layer.has_bias ? channel_sums(gradient) : at::Tensor();
    const std::lock_guard lock(mutex);
    add_tensor(weights, term);
    if (layer.has_bias) add_tensor(biases, bias);
  });
  const auto place = static_cast<size_t>(layer.parameter);
  step_.gradients[place] = to_tensor(total(weights), shape);
  if (!layer.has_bias) return;
  step_.gradients[place + 1] = to_tensor(total(biases), {layer.channels});
}

// --- What is where -------------------------------------------------------------------------------

bool LayeredRun::is_stored(LayerId layer) const {
  return program_.keeping[index(layer)] != Keeping::kNever;
}

std::unique_ptr<TensorField> LayeredRun::make_field(const Slide& slide, LayerId layer,
                                                    at::ScalarType dtype) const {
  const int64_t channels = graph_.layer(layer).channels;
  const Region part = held(slide, layer, inputs_.ranks.rank());
  const std::vector<LayerId>& spilled = options_.spilled;
  if (std::find(spilled.begin(), spilled.end(), layer) != spilled.end()) {
    return std::make_unique<FileField>(channels, part, dtype, options_.scratch);
  }
  return std::make_unique<MemoryField>(channels, part, dtype, *options_.context->pages);
}

std::vector<LayeredRun::Tile> LayeredRun::tiles_of(LayerId layer) const {
  std::vector<Tile> tiles;
  for (size_t i = 0; i < slides_.size(); ++i) {
    const Slide& slide = slides_[i];
    for (const Region& region :
         slide.partition.tiles(slide.extents[index(layer)], strides_[index(layer)])) {
      tiles.push_back({i, region});
    }
  }
  return tiles;
}

void LayeredRun::for_each_tile(const std::vector<Tile>& tiles,
                               const std::function<void(size_t, const Tile&)>& work) const {
  run_all(options_.context->workers, tiles.size(), options_.workers, [&](size_t i) {
    inputs_.ranks.throw_if_failed();
    work(i, tiles[i]);
  });
}

std::vector<double> LayeredRun::total(ExactSum& sums) const {
  sums.reduce(inputs_.ranks);
  return sums.values();
}

int64_t LayeredRun::count_pixels(LayerId layer) const {
  int64_t count = 0;
  for (const Slide& slide : slides_) count += slide.extents[index(layer)].area();
  return count;
}

at::Tensor LayeredRun::parameter(LayerId layer, bool bias) const {
  const auto place = static_cast<size_t>(graph_.layer(layer).parameter);
  return parameters_[bias ? place + 1 : place];
}

}  // namespace untiled
