// Deflate (RFC 1951) in gzip's frame (RFC 1952) or zlib's (RFC 1950).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "lib/codecs/codec.h"

namespace untiled {

/// {"level": -1 to 9}; the default is 1. A gzip header holds no time and no name.
CodecPtr make_gzip(const nlohmann::json& configuration);
CodecPtr make_zlib(const nlohmann::json& configuration);

}  // namespace untiled
