// The first step of a training, by the libraries alone: loss and gradient of a new default U-Net
// over a whole slide, exact and within the default memory budget.
//   whole_slide_step SLIDE MASK
#include <cmath>
#include <cstdio>
#include <exception>

#include "app/pipeline/engine.h"
#include "data/slide/view.h"
#include "data/tissue/mask_file.h"
#include "lib/train/losses.h"
#include "models/unet.h"

namespace {

void print_step(const char* slide, const char* mask) {
  using namespace untiled;
  const Settings settings;
  const auto pixels = make_view(open_slide(slide), {});
  const auto labels = open_mask(mask, pixels->info(), settings.data.classes, settings.data.ignore);

  const Engine engine(settings, /*logit_channels=*/1);
  const PlannedStep planned = engine.plan_training(shape_of(*pixels), {});
  const auto loss = make_loss(settings.train.loss, 1, class_weights(settings.data.classes));
  const auto weights = initial_parameters(engine.graph(), settings.seed).tensors;
  const Executor executor = engine.executor(planned, {});
  const StepResult step = executor.step(weights, *pixels, *labels, *loss);

  double squares = 0.0;
  for (const at::Tensor& gradient : step.gradients) {
    squares += gradient.square().sum().item<double>();
  }
  std::printf("{\"loss\": %.17g, \"gradient_norm\": %.17g}\n", step.loss, std::sqrt(squares));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: whole_slide_step SLIDE MASK\n");
    return 2;
  }
  try {
    print_step(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
