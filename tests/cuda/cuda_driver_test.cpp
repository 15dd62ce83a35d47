#include "lib/cuda/cuda_driver.h"

#include "tests/catch.h"

namespace untiled {
namespace {

TEST_CASE("a machine without a driver's library has no CUDA driver") {
  CHECK_FALSE(CudaDriver::open("libcuda_of_no_machine.so.1").has_value());
}

TEST_CASE("a device is described by the driver's own functions, without CUDA's headers") {
  const auto driver = CudaDriver::open(UNTILED_FAKE_CUDA_DRIVER);
  REQUIRE(driver.has_value());
  CHECK(driver->version() == 13020);
  CHECK(driver->device_count() == 2);
  const CudaDevice device = driver->device(0);
  CHECK(device.name == "Device with handle 40");
  CHECK(device.memory_bytes == int64_t{80} << 30);
  CHECK(device.compute_major == 9);
  CHECK(device.compute_minor == 1);
}

TEST_CASE("a device that does not answer is an error in the driver's words") {
  const auto driver = CudaDriver::open(UNTILED_FAKE_CUDA_DRIVER);
  REQUIRE(driver.has_value());
  CHECK_THROWS_WITH(driver->device(1), "the device is unavailable (CUDA error 46)");
}

TEST_CASE("a library that is no driver is an error that names the missing function") {
  CHECK_THROWS_WITH(CudaDriver::open(UNTILED_NO_CUDA_DRIVER), contains_text("no function cuInit"));
}

TEST_CASE("the runtime library that LibTorch brought says its version") {
  const int version = cuda_runtime_version();
  CHECK((version == 0 || version >= 13000));
}

}  // namespace
}  // namespace untiled
