#include "lib/kernels/gradient_buffers.h"

#include <ATen/ops/zeros.h>

namespace untiled {

void GradientBuffers::add(LayerId id, const Crop& term) {
  at::Tensor& held = gradients_[index(id)];
  const Region& region = regions_[index(id)];
  if (term.region.empty()) return;
  if (!held.defined() && term.region == region) {
    held = term.values;
    return;
  }
  if (!held.defined()) {
    held = at::zeros({1, term.values.size(1), region.rows.size(), region.cols.size()},
                     term.values.options());
  }
  part_of({held, region}, term.region).add_(term.values);
}

}  // namespace untiled
