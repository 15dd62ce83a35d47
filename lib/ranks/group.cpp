#include "lib/ranks/group.h"

#include <fmt/format.h>

namespace untiled {

Failure failure_on(int rank, const Failure& failure) {
  if (failure.code > kSignalCodeBase) return failure;
  return {failure.code, fmt::format("rank {}: {}", rank, failure.sentence)};
}

}  // namespace untiled
