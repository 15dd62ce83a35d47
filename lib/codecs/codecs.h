// The list of codecs: a new one is a file with a function that makes it, and a line here.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "lib/codecs/codec.h"

namespace untiled {

struct CodecKind {
  std::string_view name;
  /// Throws DataError with the reason for a configuration that it does not understand.
  CodecPtr (*make)(const nlohmann::json& configuration);
};

/// blosc, crc32c, gzip, zlib and zstd.
std::span<const CodecKind> codec_kinds();

/// `configuration` is an object as Zarr's metadata has it: {"level": 1}. Throws DataError with the
/// reason, which names what was found: for a codec that is not in the list as well.
CodecPtr make_codec(std::string_view name, const nlohmann::json& configuration);
/// The same with the codec's own defaults.
CodecPtr make_codec(std::string_view name);

}  // namespace untiled
