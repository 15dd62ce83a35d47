#include "tests/train/toy_training.h"

#include <cmath>

#include "lib/core/random.h"
#include "tests/train/tensors.h"

namespace untiled {
namespace {

/// Value `index` of the target of a slide, with noise where step > 0.
double target(size_t slide, int64_t index, int64_t step) {
  Random place(11, slide, static_cast<uint64_t>(index));
  Random noise(12, slide, static_cast<uint64_t>(index), static_cast<uint64_t>(step));
  return place.normal() + (step > 0 ? 0.1 * noise.normal() : 0.0);
}

SlideGradients toy_gradients(const NamedTensors& parameters, int64_t step, size_t slide) {
  SlideGradients result;
  int64_t index = 0;
  for (const at::Tensor& parameter : parameters.tensors) {
    std::vector<double> gradient;
    for (const float value : values_of<float>(parameter)) {
      gradient.push_back(value - target(slide, index++, step));
      result.loss += 0.5 * gradient.back() * gradient.back();
    }
    result.gradients.push_back(tensor_of<double>(parameter.sizes().vec(), gradient));
  }
  result.pixels = 1000 + static_cast<int64_t>(slide);
  result.seconds = {{"forward", 0.001}};
  return result;
}

SlideScore toy_score(const NamedTensors& parameters, size_t slide) {
  const double loss = toy_gradients(parameters, 0, slide).loss;
  const int64_t wrong = std::llround(1000.0 * loss);
  return {loss, {{1000, wrong, wrong / 2}}, slide == 0 ? tiny_png() : ""};
}

}  // namespace

TrainOptions toy_options() {
  TrainOptions options;
  TrainSettings& train = options.train;
  train.steps = 20;
  train.accumulate = 2;
  train.validate_every = 4;
  train.checkpoint_every = 3;
  train.clip_norm = 2.0;
  train.optimizer.learning_rate = 0.05;
  train.schedule.kind = ScheduleKind::kOneCycle;
  options.seed = 5;
  options.parameters = {
      {"a", "b"},
      {tensor_of<float>({4}, {0.1F, 0.2F, 0.3F, 0.4F}), tensor_of<float>({1, 2}, {-1.0F, 1.0F})}};
  options.training_slides = {"one.svs", "two.svs", "three.svs"};
  options.evaluation_slides = {"one.svs", "two.svs"};
  options.checkpoint.classes = {{"tissue", 1, {200, 0, 0}, 1.0}};
  options.checkpoint.version = "test";
  options.provenance = {
      "test", "cpu", "libtorch", "", {{"one.svs", "/one.svs", "train", "f1", {10, 10}, 0.5}}, true};
  options.timing_parts = {"read", "forward"};
  return options;
}

TrainCallbacks toy_callbacks(std::function<void(int64_t step)> before_gradients) {
  TrainCallbacks callbacks;
  callbacks.gradients = [=](const NamedTensors& parameters, int64_t step, size_t slide) {
    if (before_gradients) before_gradients(step);
    return toy_gradients(parameters, step, slide);
  };
  callbacks.evaluate = [](const NamedTensors& parameters, int64_t /*step*/, size_t slide) {
    return toy_score(parameters, slide);
  };
  return callbacks;
}

std::string tiny_png() {
  static constexpr unsigned char kBytes[] = {
      0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
      0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00,
      0x00, 0x90, 0x77, 0x53, 0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78,
      0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0x00, 0x00, 0x03, 0x01, 0x01, 0x00, 0xc9, 0xfe, 0x92,
      0xef, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
  return {reinterpret_cast<const char*>(kBytes), sizeof(kBytes)};
}

}  // namespace untiled
