#include "lib/codecs/claim.h"

#include <fmt/format.h>

#include "lib/core/error.h"

namespace untiled {

void require_claim(std::string_view codec, uint64_t claimed, size_t limit, size_t encoded,
                   uint64_t most_growth) {
  if (claimed > limit) {
    throw DataError(fmt::format("its {} stream claims {} bytes where at most {} belong", codec,
                                claimed, limit));
  }
  if (claimed / most_growth > encoded) {
    throw DataError(fmt::format("its {} stream claims {} bytes, more than its {} bytes can hold",
                                codec, claimed, encoded));
  }
}

void refuse_more_than(std::string_view codec, size_t limit) {
  throw DataError(
      fmt::format("its {} stream has more than the {} bytes that belong there", codec, limit));
}

}  // namespace untiled
