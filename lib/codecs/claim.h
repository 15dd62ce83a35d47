// Sizes that encoded bytes claim, checked before memory is allocated for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace untiled {

/// Throws DataError where `claimed` bytes are more than `limit`, or more than `encoded` bytes of
/// a codec can hold whose streams grow at most `most_growth` times.
void require_claim(std::string_view codec, uint64_t claimed, size_t limit, size_t encoded,
                   uint64_t most_growth);

/// The same sentence where it is found while decoding.
[[noreturn]] void refuse_more_than(std::string_view codec, size_t limit);

}  // namespace untiled
