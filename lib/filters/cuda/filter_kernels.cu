// A thread for each value or pixel that is made.
#include "lib/filters/cuda/filter_values.h"

using namespace untiled::filters;

#define UNTILED_DEFINE_KERNEL(name, make)                                          \
  extern "C" __global__ void name(Pass pass) {                                     \
    const auto unit = static_cast<int32_t>(blockIdx.x * blockDim.x + threadIdx.x); \
    const auto row = static_cast<int32_t>(blockIdx.y * blockDim.y + threadIdx.y);  \
    if (unit < pass.units && row < pass.rows) make(pass, row, unit);               \
  }

UNTILED_FILTER_KERNELS(UNTILED_DEFINE_KERNEL)
