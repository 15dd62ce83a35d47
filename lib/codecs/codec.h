// One step between the bytes of an array's chunk and the bytes of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "lib/core/pixel_source.h"

namespace untiled {

/// Bytes in, bytes out, without a loss. All methods may be called from any thread. Equal bytes are
/// encoded to equal bytes.
class Codec {
 public:
  Codec() = default;
  virtual ~Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  /// As in the list of codecs.h, which is as Zarr has it: "zstd".
  virtual std::string name() const = 0;
  /// What make_codec makes the same codec from.
  virtual nlohmann::json configuration() const = 0;

  virtual Bytes encode(std::span<const uint8_t> raw) const = 0;
  /// Throws DataError with the reason, which names no file: for damaged bytes, and for those that
  /// claim more than `limit` bytes or more than such a stream can hold, before anything of that
  /// size is allocated.
  virtual Bytes decode(std::span<const uint8_t> encoded, size_t limit) const = 0;
};

using CodecPtr = std::shared_ptr<const Codec>;

}  // namespace untiled
