#include "data/tissue/tissue_mask.h"

#include <utility>

namespace untiled {

TissueMask tissue_mask(std::span<const uint8_t> mask, const Overview& overview) {
  TissueMask result;
  result.classes.assign(mask.begin(), mask.end());
  int64_t tissue = 0;
  int64_t valid = 0;
  for (size_t i = 0; i < mask.size(); ++i) {
    if (!overview.missing.empty() && overview.missing[i] != 0) {
      result.classes[i] = kIgnoredLabel;
      continue;
    }
    tissue += mask[i];
    ++valid;
  }
  if (valid > 0) result.fraction = static_cast<double>(tissue) / static_cast<double>(valid);
  return result;
}

TissueMask no_tissue(const Overview& overview, std::string reason) {
  const std::vector<uint8_t> nothing(static_cast<size_t>(overview.extent.area()), 0);
  TissueMask result = tissue_mask(nothing, overview);
  result.empty_reason = std::move(reason);
  return result;
}

}  // namespace untiled
