#include "lib/filters/cuda/filter_device.h"

#include <fmt/format.h>

#include "lib/core/error.h"
#include "lib/cuda/cuda_driver.h"

namespace untiled::filters {

FilterDevice::FilterDevice(int index, const std::string& library, const char* ptx)
    : gpu_(std::make_shared<Gpu>(index, library)) {
  try {
    kernels_ = std::make_shared<KernelModule>(*gpu_, ptx);
  } catch (const CudaFault& fault) {
    throw ConfigError(fmt::format("device cuda:{}: {}; update the driver, or use --device cpu",
                                  index, fault.what()));
  }
}

FilterDevice FilterDevice::open(const std::string& device) {
  const int index = cuda_index(device);
  if (*filter_ptx() == 0) {
    throw ConfigError(fmt::format(
        "device {}: this program was built without CUDA's filters; build it where nvcc is, or use "
        "--device cpu",
        device));
  }
  return {index, "libcuda.so.1", filter_ptx()};
}

}  // namespace untiled::filters
