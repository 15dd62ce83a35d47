#include "app/pipeline/trained_classifier.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>

#include "lib/core/error.h"
#include "lib/layered/running_statistics.h"
#include "lib/train/named_tensors.h"

namespace untiled {
namespace {

Settings settings_of(const Settings& settings, const ClassifierInfo& info,
                     const ModelScale& scale) {
  Settings out = settings;
  out.model = info.model;
  out.train.loss = info.loss;
  out.data.labels = info.labels;
  out.data.stain = stain_settings(info.stains);
  out.data.level = scale.level.value_or(info.training_level);
  out.data.mpp = scale.mpp;
  if (!scale.level && !scale.mpp && info.training_mpp) out.data.mpp = info.training_mpp;
  return out;
}

NamedTensors found_in(const NamedTensors& file, const NamedTensors& pattern,
                      const std::filesystem::path& path) {
  NamedTensors found{pattern.names, {}};
  for (size_t i = 0; i < pattern.names.size(); ++i) {
    const at::Tensor tensor = find_tensor(file, pattern.names[i]);
    if (!tensor.defined() || tensor.sizes() != pattern.tensors[i].sizes()) {
      throw DataError(
          fmt::format("{}: tensor {} is missing or has another shape than the network "
                      "that the file describes",
                      path.string(), pattern.names[i]));
    }
    found.tensors.push_back(tensor.to(pattern.tensors[i].scalar_type()));
  }
  return found;
}

}  // namespace

TrainedClassifier::TrainedClassifier(const Settings& settings,
                                     const std::filesystem::path& checkpoint,
                                     const ModelScale& scale) {
  ClassifierCheckpoint file = load_classifier(checkpoint);
  info_ = file.info;
  settings_ = settings_of(settings, info_, scale);
  classifier_ = std::make_unique<SlideClassifier>(settings_);
  const ClassifierWeights pattern = classifier_->initial_weights();
  weights_ = {found_in(file.tensors, pattern.parameters, checkpoint),
              found_in(file.tensors, pattern.statistics, checkpoint)};
}

int64_t TrainedClassifier::map_stride() const {
  const Graph& graph = classifier_->graph();
  return graph.stride(graph.output());
}

SlideVerdict TrainedClassifier::judge(const PixelSource& pixels, int64_t fixed_bytes,
                                      bool with_map) const {
  const ClassifierPlan plan =
      classifier_->plan({pixels.extent()}, LayeredPurpose::kPrediction, fixed_bytes);
  SlideVerdict verdict;
  FeatureWork work;
  if (with_map) {
    const Graph& graph = classifier_->graph();
    const LayerId last = graph.layer(graph.layer(graph.output()).inputs[0]).inputs[0];
    verdict.map_extent = graph.extents(pixels.extent())[static_cast<size_t>(last)];
    verdict.map.resize(info_.labels.size() * static_cast<size_t>(verdict.map_extent.area()));
    work = [&](const Region& region, const at::Tensor& features) {
      add_to_map(region, features, verdict);
    };
  }
  verdict.logits = classifier_->executor(plan).predict(
      weights_.parameters.tensors, to_statistics(weights_.statistics), pixels, work);
  verdict.probabilities = probabilities(verdict.logits);
  return verdict;
}

/// Tiles do not overlap, so workers write to different places.
void TrainedClassifier::add_to_map(const Region& region, const at::Tensor& features,
                                   SlideVerdict& verdict) const {
  const size_t last = weights_.parameters.tensors.size();
  const at::Tensor weight = weights_.parameters.tensors[last - 2].to(at::kDouble);
  const at::Tensor bias = weights_.parameters.tensors[last - 1].to(at::kDouble);
  at::Tensor logits = at::linear(features[0].permute({1, 2, 0}).to(at::kDouble), weight, bias);
  if (logits.size(2) == 1) {
    const at::Tensor one = logits.select(2, 0);
    logits = at::stack({at::zeros_like(one), one}, 2);
  }
  const at::Tensor shares = at::softmax(logits, 2).to(at::kFloat).permute({2, 0, 1}).contiguous();
  const auto* from = shares.const_data_ptr<float>();
  const Extent all = verdict.map_extent;
  for (int64_t k = 0; k < shares.size(0); ++k) {
    for (int64_t y = region.rows.begin; y < region.rows.end; ++y, from += region.cols.size()) {
      std::copy_n(from, region.cols.size(),
                  verdict.map.begin() + k * all.area() + y * all.cols + region.cols.begin);
    }
  }
}

}  // namespace untiled
