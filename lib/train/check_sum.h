// Check sums of what a safetensors file holds, as an entry of its metadata.
#pragma once

#include <string>
#include <string_view>

#include "lib/train/safetensors.h"

namespace untiled {

/// XXH3-128 over names, shapes and values of tensors, in whatever order they come, and a text; 32
/// hexadecimal digits.
std::string check_sum(const NamedTensors& tensors, std::string_view text);

/// `metadata` with the entry "check_sum", a JSON text, over the tensors and all other entries.
Metadata with_check_sum(const NamedTensors& tensors, Metadata metadata);

/// Throws DataError, naming no file, where the entry "check_sum" is not that of what was read. A
/// file without the entry is taken as it is: other programs write none.
void require_check_sum(const SafetensorsFile& file);

}  // namespace untiled
