#include "app/pipeline/trained_classifier.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <span>

#include "app/pipeline/patient_pixels.h"
#include "lib/core/error.h"
#include "lib/layered/partition.h"
#include "lib/ranks/together.h"
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

/// Of any rank; a collective call.
std::exception_ptr failure_of_reading(const PatientPixels& pixels, Group& ranks) {
  Together together(ranks);
  together.attempt([&] { pixels.rethrow_failure(); });
  try {
    together.settle();
  } catch (...) {
    ranks.throw_if_failed();
    return std::current_exception();
  }
  return nullptr;
}

/// Where in a map of several classes the rows of a part begin, class by class.
std::vector<size_t> row_starts(const Extent& map, const Region& part, size_t classes) {
  std::vector<size_t> starts;
  for (size_t k = 0; k < classes; ++k) {
    for (int64_t y = part.rows.begin; y < part.rows.end; ++y) {
      starts.push_back(k * static_cast<size_t>(map.area()) +
                       static_cast<size_t>(y * map.cols + part.cols.begin));
    }
  }
  return starts;
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

/// A file of few weights may claim a width whose network takes gigabytes.
void require_claimed_weights(const std::filesystem::path& path, const Graph& graph,
                             const NamedTensors& tensors) {
  if (graph.parameter_count() > count_values(tensors)) {
    throw DataError(
        fmt::format("{}: the network that the file describes has {} weights and the "
                    "file holds {} numbers; give another checkpoint",
                    path.string(), graph.parameter_count(), count_values(tensors)));
  }
  if (!all_finite(tensors.tensors)) {
    throw DataError(fmt::format("{} holds weights that are not finite; give another checkpoint",
                                path.string()));
  }
}

/// A variance below 0 would make every prediction no number.
void require_variances(const std::filesystem::path& path, const NamedTensors& statistics) {
  for (size_t i = 0; i < statistics.names.size(); ++i) {
    const bool is_variance = statistics.names[i].ends_with(".running_var");
    if (!is_variance || (statistics.tensors[i] >= 0).all().item<bool>()) continue;
    throw DataError(fmt::format("{}: {} holds a variance below 0; give another checkpoint",
                                path.string(), statistics.names[i]));
  }
}

}  // namespace

TrainedClassifier::TrainedClassifier(const Settings& settings,
                                     const std::filesystem::path& checkpoint,
                                     const ModelScale& scale) {
  ClassifierCheckpoint file = load_classifier(checkpoint);
  info_ = file.info;
  settings_ = settings_of(settings, info_, scale);
  require_decoder_fits(settings_);
  classifier_ = std::make_unique<SlideClassifier>(settings_);
  require_claimed_weights(checkpoint, classifier_->graph(), file.tensors);
  const ClassifierWeights pattern = classifier_->initial_weights();
  weights_ = {found_in(file.tensors, pattern.parameters, checkpoint),
              found_in(file.tensors, pattern.statistics, checkpoint)};
  require_variances(checkpoint, weights_.statistics);
}

int64_t TrainedClassifier::map_stride() const {
  const Graph& graph = classifier_->graph();
  return graph.stride(graph.output());
}

std::vector<SlideVerdict> TrainedClassifier::judge(const std::vector<const PixelSource*>& slides,
                                                   int64_t fixed_bytes, bool with_maps,
                                                   Group& ranks) const {
  std::deque<PatientPixels> patient;
  std::vector<const PixelSource*> pixels;
  std::vector<Extent> extents;
  std::vector<SlideVerdict> verdicts(slides.size());
  for (size_t i = 0; i < slides.size(); ++i) {
    pixels.push_back(&patient.emplace_back(*slides[i]));
    extents.push_back(slides[i]->extent());
    if (with_maps) make_map(extents[i], verdicts[i]);
  }
  FeatureWork work;
  if (with_maps) {
    work = [&](size_t slide, const Region& region, const at::Tensor& features) {
      add_to_map(region, features, verdicts[slide]);
    };
  }
  const ClassifierPlan plan =
      classifier_->plan(extents, LayeredPurpose::kPrediction, fixed_bytes, ranks.size());
  Together(ranks).join([&] {
    const auto logits = classifier_->predict(plan, weights_, pixels, work, ranks);
    const SlideParts parts = classifier_->parts(extents, ranks.size());
    for (size_t i = 0; i < slides.size(); ++i) {
      verdicts[i].logits = logits[i];
      verdicts[i].probabilities = probabilities(logits[i]);
      if (with_maps) gather_map(parts[i], verdicts[i], ranks);
    }
  });
  for (size_t i = 0; i < slides.size(); ++i) {
    verdicts[i].failure = failure_of_reading(patient[i], ranks);
  }
  return verdicts;
}

void TrainedClassifier::make_map(const Extent& slide, SlideVerdict& verdict) const {
  const Graph& graph = classifier_->graph();
  const LayerId last = graph.layer(graph.layer(graph.output()).inputs[0]).inputs[0];
  verdict.map_extent = graph.extents(slide)[static_cast<size_t>(last)];
  verdict.map.resize(info_.labels.size() * static_cast<size_t>(verdict.map_extent.area()));
}

void TrainedClassifier::gather_map(const std::vector<Region>& parts, SlideVerdict& verdict,
                                   Group& ranks) const {
  constexpr int kTag = 2;
  for (int rank = 1; rank < ranks.size(); ++rank) {
    if (ranks.rank() != 0 && ranks.rank() != rank) continue;
    const Region part =
        owned_part(parts[static_cast<size_t>(rank)], verdict.map_extent, map_stride());
    if (part.empty()) continue;
    const auto cols = static_cast<size_t>(part.cols.size());
    const std::vector<size_t> rows = row_starts(verdict.map_extent, part, info_.labels.size());
    std::vector<float> values(rows.size() * cols);
    if (ranks.rank() == 0) {
      ranks.receive(rank, kTag, std::as_writable_bytes(std::span(values)))->wait();
      for (size_t i = 0; i < rows.size(); ++i) {
        std::copy_n(&values[i * cols], cols, &verdict.map[rows[i]]);
      }
    } else {
      for (size_t i = 0; i < rows.size(); ++i) {
        std::copy_n(&verdict.map[rows[i]], cols, &values[i * cols]);
      }
      ranks.send(0, kTag, std::as_writable_bytes(std::span(values)))->wait();
    }
  }
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
