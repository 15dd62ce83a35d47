// Zstandard (RFC 8878).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "lib/codecs/codec.h"

namespace untiled {

/// {"level": -131072 to 22, "checksum": false}; the default is level 1, which is a little
/// faster than the library's own for large chunks and as small. Frames carry the size of
/// their content; frames without it are read too.
CodecPtr make_zstd(const nlohmann::json& configuration);

}  // namespace untiled
