// An array's fill value between JSON and the bytes of one element.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "lib/zarr/data_type.h"

namespace untiled {

/// In this machine's byte order. null, which Zarr 2 has, is 0. Throws DataError with the reason.
std::vector<uint8_t> parse_fill(const nlohmann::json& value, DataType type);
/// Not-a-number and infinities are texts. `fill` may be empty: 0.
nlohmann::json fill_json(const std::vector<uint8_t>& fill, DataType type);

}  // namespace untiled
