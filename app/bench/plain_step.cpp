#include "app/bench/plain_step.h"

#include <ATen/Parallel.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>

#include "app/config/settings.h"
#include "lib/core/resources.h"
#include "lib/core/stop.h"
#include "lib/core/stopwatch.h"
#include "models/unet.h"
#include "models/unet_module.h"

namespace untiled {

PlainStep measure_plain_step(const Extent& extent, int repeats) {
  at::set_num_threads(usable_cores());
  const ModelSettings model;
  const NamedTensors parameters = initial_parameters(unet_graph(model, 1), 0);
  const at::Tensor image = at::rand({1, 3, extent.rows, extent.cols});
  const at::Tensor labels = at::randint(2, {extent.rows, extent.cols}, at::kByte);
  PlainStep step{extent, {}};
  for (int i = 0; i <= repeats; ++i) {
    throw_if_stopped();
    const Stopwatch watch;
    whole_image_step(model, parameters, image, labels, LossKind::kBce, {});
    if (i > 0) step.seconds.push_back(watch.seconds());
  }
  return step;
}

}  // namespace untiled
