// JPEG streams that a CUDA device decodes.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "lib/core/opened_library.h"
#include "lib/cuda/jpeg_picture.h"

namespace untiled {

/// nvImageCodec's library of ours beside the program, or an empty text where it was not built.
std::string find_nvimgcodec_library();

/// Where nvImageCodec decodes.
enum class JpegPlace {
  kDevice,  ///< By nvJPEG, to the device's memory: other bits than libjpeg-turbo's.
  kHost,    ///< By its own libjpeg-turbo, to the host's memory.
};

/// Decodes batches by nvImageCodec. Any thread; one batch at a time.
class DeviceJpeg {
 public:
  /// On device `device`; `threads` of the host help. Throws ConfigError that says what is missing
  /// and what to do.
  static std::shared_ptr<const DeviceJpeg> open(
      JpegPlace place, int device, int threads,
      const std::string& library = find_nvimgcodec_library());
  ~DeviceJpeg();
  DeviceJpeg(const DeviceJpeg&) = delete;
  DeviceJpeg& operator=(const DeviceJpeg&) = delete;

  JpegPlace place() const { return place_; }
  /// At least one picture. Nothing where all are decoded, or their decoding has begun on a device's
  /// stream; else what nvImageCodec says, and none of them is to be used.
  std::optional<std::string> decode(std::span<const JpegPicture> pictures, void* stream) const;

 private:
  using Open = void*(int device, int threads, char* text, size_t size);
  using Decode = int(void* decoder, const JpegPicture* pictures, size_t count, void* stream,
                     char* text, size_t size);
  using Close = void(void* decoder);

  DeviceJpeg(const OpenedLibrary& library, JpegPlace place, int device, int threads);

  JpegPlace place_;
  Decode* decode_;
  Close* close_;
  void* decoder_;
  mutable std::mutex mutex_;
};

}  // namespace untiled
