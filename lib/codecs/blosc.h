// Blosc's first format, by its library: blosclz, lz4, lz4hc, zlib and zstd inside.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "lib/codecs/codec.h"

namespace untiled {

/// Zarr's settings: cname, clevel, shuffle ("noshuffle", "shuffle", "bitshuffle", or numcodecs' 0,
/// 1, 2 and -1 for what fits the type), typesize, blocksize. Bytes say themselves how they were
/// made, so that decoding asks for none of these.
CodecPtr make_blosc(const nlohmann::json& configuration);

}  // namespace untiled
