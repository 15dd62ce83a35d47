// Castagnoli's CRC of 32 bits (RFC 3720, appendix B.4) behind what it protects.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>

#include "lib/codecs/codec.h"

namespace untiled {

/// With the processor's instructions where it has some (SSE 4.2), else by a table: the same number.
uint32_t crc32c(std::span<const uint8_t> bytes);
/// By the table.
uint32_t crc32c_by_table(std::span<const uint8_t> bytes);

/// Appends four bytes, least first; decoding compares and drops them.
CodecPtr make_crc32c(const nlohmann::json& configuration);

}  // namespace untiled
