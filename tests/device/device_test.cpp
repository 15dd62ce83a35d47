#include "lib/device/device.h"

#include "lib/core/error.h"
#include "lib/device/memory_meter.h"
#include "tests/catch.h"

namespace untiled {
namespace {

TEST_CASE("the CPU can always be chosen and auto always chooses") {
  CHECK(choose_device("cpu", "").device.is_cpu());
  const DeviceChoice choice = choose_device("auto", "");
  CHECK_FALSE(choice.reason.empty());
  CHECK(choice.is_fallback == (choice.device.is_cpu() && (probe_cuda().has_hardware)));
}

TEST_CASE("devices that are no devices are refused by name") {
  for (const char* setting : {"gpu", "cuda:x", "cuda:-1", "cuda:", ""}) {
    CHECK_THROWS_AS(choose_device(setting, ""), ConfigError);
  }
  CHECK_THROWS_AS(choose_device("cpu", "tpu"), ConfigError);
}

TEST_CASE("a GPU that is not there is a settings error that says what to do") {
  const BackendState cuda = probe_cuda();
  if (cuda.usable) UNTILED_SKIP("a CUDA device is here");
  CHECK_THROWS_WITH(choose_device("cuda", ""), contains_text(cuda.detail));
}

TEST_CASE("a profile brings another backend's limits to the CPU") {
  const DeviceChoice choice = choose_device("cpu", "mps");
  CHECK(choice.device.is_cpu());
  CHECK(choice.profile.max_dimension == 65536);
  CHECK_FALSE(choice.profile.has_float64);
}

TEST_CASE("the memory meter counts what was touched, also when it is gone again") {
  const MemoryMeter meter(at::kCPU);
  constexpr size_t kBytes = 64 << 20;
  { const std::vector<char> block(kBytes, 1); }
  CHECK(meter.used_bytes() >= static_cast<int64_t>(kBytes) * 9 / 10);
}

TEST_CASE("a CUDA device answers", "[gpu]") {
  const BackendState cuda = probe_cuda();
  if (!cuda.usable) UNTILED_SKIP(cuda.detail);
  CHECK(choose_device("auto", "").device.is_cuda());
  CHECK(choose_device("auto", "").memory_bytes > 0);
}

}  // namespace
}  // namespace untiled
