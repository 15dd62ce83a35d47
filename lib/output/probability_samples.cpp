#include "lib/output/probability_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lib/core/error.h"

namespace untiled {

void require_finite(const std::filesystem::path& file, std::span<const float> probabilities) {
  const bool finite = std::all_of(probabilities.begin(), probabilities.end(),
                                  [](float p) { return std::isfinite(p); });
  if (finite) return;
  throw DataError(fmt::format(
      "{}: a probability is not a finite number; the checkpoint's weights have diverged",
      file.string()));
}

std::vector<uint8_t> to_samples(std::span<const float> probabilities, SampleType type) {
  std::vector<uint8_t> samples(probabilities.size() * sample_bytes(type));
  if (type == SampleType::kFloat32) {
    std::memcpy(samples.data(), probabilities.data(), samples.size());
    return samples;
  }
  std::transform(probabilities.begin(), probabilities.end(), samples.begin(), [](float p) {
    return static_cast<uint8_t>(std::lround(255.0F * std::clamp(p, 0.0F, 1.0F)));
  });
  return samples;
}

}  // namespace untiled
