#include "app/pipeline/verified_classifier.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "app/pipeline/slide_classifier.h"
#include "app/pipeline/verified_image.h"
#include "lib/core/resources.h"
#include "lib/layered/running_statistics.h"
#include "lib/streaming/verification.h"
#include "lib/train/safetensors.h"
#include "models/resnet.h"
#include "models/resnet_module.h"

namespace untiled {
namespace {

using Images = std::vector<std::shared_ptr<HeldImage>>;

/// Slides of several sizes, the first of the one that was asked for.
Images make_images(const Settings& settings, const VerifiedInput& input) {
  Images images;
  for (int i = 0; i < settings.train.batch; ++i) {
    const auto smaller = [i](int64_t side) { return std::max<int64_t>(1, side * 8 / (8 + i)); };
    images.push_back(verified_image(settings, input.slide,
                                    {smaller(input.size.rows), smaller(input.size.cols)},
                                    settings.seed + static_cast<uint64_t>(i)));
  }
  return images;
}

std::vector<int64_t> make_labels(const Settings& settings, size_t count) {
  std::vector<int64_t> labels;
  const size_t classes = std::max<size_t>(2, settings.data.labels.size());
  for (size_t i = 0; i < count; ++i) labels.push_back(static_cast<int64_t>((i + 1) % classes));
  return labels;
}

LayeredStep streamed(const Settings& settings, const SlideClassifier& classifier,
                     const ClassifierWeights& weights, const Images& images,
                     const std::vector<int64_t>& labels, Group& ranks) {
  std::vector<Extent> extents;
  for (const auto& image : images) extents.push_back(image->extent());
  const SlideParts parts = classifier.parts(extents, ranks.size());
  std::vector<LabelledSlide> slides;
  for (size_t i = 0; i < images.size(); ++i) {
    slides.push_back({images[i].get(), labels[i], parts[i]});
  }
  const ClassifierPlan plan{.workers = settings.threads > 0 ? settings.threads : usable_cores(),
                            .recomputes_blocks = settings.streaming.store == StoreChoice::kBlocks};
  return classifier.executor(plan).step(weights.parameters.tensors,
                                        to_statistics(weights.statistics), classifier.statistics(),
                                        slides, classifier.loss(), ranks);
}

at::Tensor logits_tensor(const LayeredStep& step) {
  std::vector<at::Tensor> rows;
  for (const std::vector<double>& logits : step.logits) {
    rows.push_back(at::from_blob(const_cast<double*>(logits.data()),
                                 {1, static_cast<int64_t>(logits.size())}, at::kDouble)
                       .clone());
  }
  return at::cat(rows);
}

VerifiedStep compare(const LayeredStep& step, const NamedTensors& running,
                     const WholeSlidesStep& whole) {
  VerifiedStep errors;
  errors.loss = relative_error(step.loss, whole.loss);
  errors.logits = relative_error(logits_tensor(step), whole.logits);
  for (size_t i = 0; i < step.gradients.size(); ++i) {
    errors.gradient =
        std::max(errors.gradient, relative_error(step.gradients[i], whole.gradients[i]));
  }
  double statistics = 0.0;
  size_t next = 0;
  for (size_t i = 0; i < running.names.size(); ++i) {
    if (running.names[i].ends_with(".num_batches_tracked")) continue;
    statistics = std::max(statistics, relative_error(running.tensors[i], whole.statistics[next++]));
  }
  errors.statistics = statistics;
  return errors;
}

/// What an outsider needs to repeat the step: names without a number are the first slide's.
/// Running statistics are those after the step.
void dump(const std::filesystem::path& path, const Graph& graph, const ClassifierWeights& weights,
          const NamedTensors& running, const std::vector<at::Tensor>& inputs,
          const std::vector<int64_t>& labels, const LayeredStep& step) {
  NamedTensors all = state_dict(graph, weights.parameters, running);
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    all.names.push_back(name);
    all.tensors.push_back(tensor);
  };
  for (size_t i = 0; i < inputs.size(); ++i) {
    add(i == 0 ? "input" : fmt::format("input.{}", i), inputs[i]);
  }
  add("label", at::from_blob(const_cast<int64_t*>(labels.data()),
                             {static_cast<int64_t>(labels.size())}, at::kLong));
  add("logits", logits_tensor(step));
  add("loss", at::full({1}, step.loss, at::kDouble));
  for (size_t i = 0; i < weights.parameters.names.size(); ++i) {
    add("grad." + weights.parameters.names[i], step.gradients[i]);
  }
  write_safetensors(path, all);
}

ClassifierWeights verified_weights(const Settings& settings, const SlideClassifier& classifier) {
  ClassifierWeights weights = classifier.initial_weights();
  if (!settings.model.init.empty()) return weights;
  weights.parameters = random_resnet_parameters(classifier.graph(), settings.seed);
  for (at::Tensor& t : weights.parameters.tensors) t = t.to(classifier.dtype());
  return weights;
}

}  // namespace

std::optional<VerifiedStep> verify_classifier(const Settings& settings, const VerifiedInput& input,
                                              Group& ranks) {
  const SlideClassifier classifier(settings);
  const Images images = make_images(settings, input);
  const std::vector<int64_t> labels = make_labels(settings, images.size());
  const ClassifierWeights weights = verified_weights(settings, classifier);
  const LayeredStep step = streamed(settings, classifier, weights, images, labels, ranks);
  if (ranks.rank() != 0) return std::nullopt;
  const NamedTensors running = settings.model.norm == NormKind::kBatch
                                   ? update_running(weights.statistics, step.statistics)
                                   : weights.statistics;
  std::vector<at::Tensor> inputs;
  for (const auto& image : images) {
    inputs.push_back(image_tensor(image->block(), classifier.dtype()));
  }
  const WholeSlidesStep whole =
      whole_slides_step(settings.model, weights.parameters, weights.statistics, inputs, labels,
                        settings.data.label_weights);
  VerifiedStep result = compare(step, running, whole);
  const bool is_double = classifier.dtype() == at::kDouble;
  result.tolerance = input.tolerance.value_or(is_double ? 1e-12 : 1e-3);
  result.dtype = is_double ? "float64" : "float32";
  result.tile = classifier.tile();
  result.slides = static_cast<int64_t>(images.size());
  if (!input.dump.empty()) {
    dump(input.dump, classifier.graph(), weights, running, inputs, labels, step);
  }
  return result;
}

}  // namespace untiled
