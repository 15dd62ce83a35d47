#include "lib/cuda/gpu.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "lib/core/error.h"
#include "lib/core/interval.h"
#include "lib/core/number.h"
#include "lib/cuda/cuda_driver.h"

namespace untiled {
namespace {

/// Work on it does not wait for what others do on the device's default stream.
constexpr unsigned kNonBlocking = 1;
/// Threads of a block: a warp's stores lie side by side.
constexpr unsigned kBlockAcross = 64;
constexpr unsigned kBlockDown = 4;

std::string name_of(const std::string& library, int index) {
  const auto driver = CudaDriver::open(library);
  if (!driver) {
    throw ConfigError(fmt::format(
        "device cuda: no NVIDIA driver was found ({}); install one, or use --device cpu", library));
  }
  try {
    const int count = driver->device_count();
    if (index < count) {
      const CudaDevice device = driver->device(index);
      return fmt::format("{}, compute capability {}.{}", device.name, device.compute_major,
                         device.compute_minor);
    }
    throw ConfigError(fmt::format(
        "device cuda:{}: this machine has {} CUDA device(s), numbered from 0", index, count));
  } catch (const CudaFault& fault) {
    throw ConfigError(fmt::format(
        "device cuda:{}: the CUDA driver cannot be used: {}; repair it, or use --device cpu", index,
        fault.what()));
  }
}

/// All but where the rows come from.
CopyRows rows_to(DeviceAddress to, int64_t to_row_bytes, int64_t from_row_bytes, int64_t bytes,
                 int64_t rows) {
  CopyRows copy;
  copy.from_row_bytes = static_cast<size_t>(from_row_bytes);
  copy.to_kind = CopyRows::kDevice;
  copy.to_device = to;
  copy.to_row_bytes = static_cast<size_t>(to_row_bytes);
  copy.bytes = static_cast<size_t>(bytes);
  copy.rows = static_cast<size_t>(rows);
  return copy;
}

}  // namespace

Gpu::Gpu(int index, const std::string& library) : index_(index), name_(name_of(library, index)) {
  try {
    // It is open already, for the life of the process.
    calls_ = find_driver_calls(dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL));
    calls_.check(calls_.init(0), "begin");
    calls_.check(calls_.device_get(&device_, index), "be opened");
    calls_.check(calls_.context_retain(&context_, device_), "be opened");
  } catch (const CudaFault& fault) {
    throw ConfigError(
        fmt::format("device cuda:{}: {}; repair it, or use --device cpu", index, fault.what()));
  }
}

Gpu::~Gpu() { calls_.context_release(device_); }

void Gpu::use() const { calls_.check(calls_.context_set_current(context_), "be used"); }

int64_t Gpu::free_bytes() const {
  use();
  size_t free = 0;
  size_t total = 0;
  calls_.check(calls_.memory_info(&free, &total), "say its memory");
  return static_cast<int64_t>(free);
}

DeviceUuid Gpu::uuid() const {
  DeviceUuid uuid;
  calls_.check(calls_.device_uuid(&uuid, device_), "say its number");
  return uuid;
}

int cuda_index(const std::string& device) {
  constexpr std::string_view kPrefix = "cuda:";
  if (device == "cuda") return 0;
  const auto index =
      device.starts_with(kPrefix) ? parse_number<int>(device.substr(kPrefix.size())) : std::nullopt;
  if (index && *index >= 0) return *index;
  throw ConfigError(
      fmt::format("device {}: expected cpu, auto, cuda or cuda:N with N from 0", device));
}

// An allocation of nothing is an error for the driver.
DeviceMemory::DeviceMemory(const Gpu& gpu, int64_t bytes) : calls_(gpu.calls()), bytes_(bytes) {
  const auto size = static_cast<size_t>(std::max<int64_t>(bytes, 1));
  calls_.check(calls_.allocate(&address_, size), "give memory");
}

DeviceMemory::~DeviceMemory() { calls_.free(address_); }

PinnedMemory::PinnedMemory(const Gpu& gpu, int64_t bytes) : calls_(gpu.calls()), bytes_(bytes) {
  const auto size = static_cast<size_t>(std::max<int64_t>(bytes, 1));
  calls_.check(calls_.allocate_host(&data_, size, 0), "pin the host's memory");
}

PinnedMemory::~PinnedMemory() { calls_.free_host(data_); }

KernelModule::KernelModule(const Gpu& gpu, const char* ptx) : calls_(gpu.calls()) {
  gpu.use();
  calls_.check(calls_.module_load(&module_, ptx), "load the filters");
}

KernelModule::~KernelModule() { calls_.module_unload(module_); }

void* KernelModule::function(const char* name) const {
  void* function = nullptr;
  calls_.check(calls_.module_function(&function, module_, name), "find a filter");
  return function;
}

GpuStream::GpuStream(const Gpu& gpu) : calls_(gpu.calls()) {
  calls_.check(calls_.stream_create(&stream_, kNonBlocking), "make a stream");
}

// Whoever leaves by an error frees memory next that work may still be using.
GpuStream::~GpuStream() {
  calls_.stream_wait(stream_);
  calls_.stream_destroy(stream_);
}

void GpuStream::copy_to_device(DeviceAddress to, const void* from, int64_t bytes) {
  calls_.check(calls_.copy_to_device(to, from, static_cast<size_t>(bytes), stream_), "take bytes");
}

void GpuStream::copy_to_host(void* to, DeviceAddress from, int64_t bytes) {
  calls_.check(calls_.copy_to_host(to, from, static_cast<size_t>(bytes), stream_), "give bytes");
}

void GpuStream::copy_rows_to_device(DeviceAddress to, int64_t to_row_bytes, const void* from,
                                    int64_t from_row_bytes, int64_t bytes, int64_t rows) {
  CopyRows copy = rows_to(to, to_row_bytes, from_row_bytes, bytes, rows);
  copy.from_kind = CopyRows::kHost;
  copy.from_host = from;
  calls_.check(calls_.copy_rows(&copy, stream_), "take rows of bytes");
}

void GpuStream::copy_rows_on_device(DeviceAddress to, int64_t to_row_bytes, DeviceAddress from,
                                    int64_t from_row_bytes, int64_t bytes, int64_t rows) {
  CopyRows copy = rows_to(to, to_row_bytes, from_row_bytes, bytes, rows);
  copy.from_kind = CopyRows::kDevice;
  copy.from_device = from;
  calls_.check(calls_.copy_rows(&copy, stream_), "move rows of bytes");
}

void GpuStream::clear(DeviceAddress to, int64_t bytes) {
  calls_.check(calls_.set_bytes(to, 0, static_cast<size_t>(bytes), stream_), "clear memory");
}

static_assert(GpuStream::kMostDown == int64_t{65535} * kBlockDown, "blocks that a grid has down");

void GpuStream::launch(void* function, int64_t across, int64_t down, void* argument) {
  const auto blocks_across = static_cast<unsigned>(ceil_div(across, kBlockAcross));
  const auto blocks_down = static_cast<unsigned>(ceil_div(down, kBlockDown));
  void* arguments[] = {argument};
  calls_.check(calls_.launch(function, blocks_across, blocks_down, 1, kBlockAcross, kBlockDown, 1,
                             0, stream_, arguments, nullptr),
               "run a filter");
}

void GpuStream::wait() { calls_.check(calls_.stream_wait(stream_), "finish its work"); }

bool GpuStream::is_busy() {
  const int result = calls_.stream_query(stream_);
  if (result == DriverCalls::kNotReady) return true;
  calls_.check(result, "finish its work");
  return false;
}

}  // namespace untiled
