#include "lib/cuda/device_jpeg.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>

#include "lib/core/error.h"
#include "lib/core/program_module.h"

namespace untiled {
namespace {

constexpr size_t kTextSize = 1024;
constexpr int kNoDevice = -1;

ConfigError unusable(const char* reason) {
  return ConfigError(
      fmt::format("nvImageCodec cannot be used: {}; take --decode host, or repair it", reason));
}

void* function_of(void* library, const char* name) {
  void* function = dlsym(library, name);
  if (function == nullptr) throw unusable(dlerror());
  return function;
}

}  // namespace

std::string find_nvimgcodec_library() { return find_program_module("untiled_nvimgcodec"); }

std::shared_ptr<const DeviceJpeg> DeviceJpeg::open(JpegPlace place, int device, int threads,
                                                   const std::string& library) {
  if (library.empty()) {
    throw ConfigError(
        "--decode: this program was built without nvImageCodec; fetch it with scripts/setup.sh "
        "--cuda and build again, or take --decode host");
  }
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw unusable(dlerror());
  return std::shared_ptr<const DeviceJpeg>(new DeviceJpeg(handle, place, device, threads));
}

DeviceJpeg::DeviceJpeg(void* library, JpegPlace place, int device, int threads)
    : place_(place),
      decode_(reinterpret_cast<Decode*>(function_of(library, "untiled_nvimgcodec_decode"))),
      close_(reinterpret_cast<Close*>(function_of(library, "untiled_nvimgcodec_close"))) {
  std::array<char, kTextSize> text{};
  auto* const open = reinterpret_cast<Open*>(function_of(library, "untiled_nvimgcodec_open"));
  decoder_ =
      open(place == JpegPlace::kDevice ? device : kNoDevice, threads, text.data(), text.size());
  if (decoder_ == nullptr) throw unusable(text.data());
}

DeviceJpeg::~DeviceJpeg() { close_(decoder_); }

std::optional<std::string> DeviceJpeg::decode(std::span<const JpegPicture> pictures,
                                              void* stream) const {
  std::array<char, kTextSize> text{};
  const std::lock_guard lock(mutex_);
  if (decode_(decoder_, pictures.data(), pictures.size(), stream, text.data(), text.size()) == 0) {
    return std::nullopt;
  }
  return text.data();
}

}  // namespace untiled
