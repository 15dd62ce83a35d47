#include "lib/cuda/device_jpeg.h"

#include "lib/core/error.h"
#include "lib/core/program_module.h"

namespace untiled {
namespace {

constexpr int kNoDevice = -1;

}  // namespace

std::string find_nvimgcodec_library() { return find_program_module("untiled_nvimgcodec"); }

std::shared_ptr<const DeviceJpeg> DeviceJpeg::open(JpegPlace place, int device, int threads,
                                                   const std::string& library) {
  if (library.empty()) {
    throw ConfigError(
        "--decode: this program was built without nvImageCodec; fetch it with scripts/setup.sh "
        "--cuda and build again, or take --decode host");
  }
  const OpenedLibrary opened("nvImageCodec", "take --decode host, or repair it", library);
  return std::shared_ptr<const DeviceJpeg>(new DeviceJpeg(opened, place, device, threads));
}

DeviceJpeg::DeviceJpeg(const OpenedLibrary& library, JpegPlace place, int device, int threads)
    : place_(place),
      decode_(library.function<Decode>("untiled_nvimgcodec_decode")),
      close_(library.function<Close>("untiled_nvimgcodec_close")) {
  LibraryText text{};
  auto* const open = library.function<Open>("untiled_nvimgcodec_open");
  decoder_ =
      open(place == JpegPlace::kDevice ? device : kNoDevice, threads, text.data(), text.size());
  if (decoder_ == nullptr) library.refuse(text.data());
}

DeviceJpeg::~DeviceJpeg() { close_(decoder_); }

std::optional<std::string> DeviceJpeg::decode(std::span<const JpegPicture> pictures,
                                              void* stream) const {
  LibraryText text{};
  const std::lock_guard lock(mutex_);
  if (decode_(decoder_, pictures.data(), pictures.size(), stream, text.data(), text.size()) == 0) {
    return std::nullopt;
  }
  return text.data();
}

}  // namespace untiled
