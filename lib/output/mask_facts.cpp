#include "lib/output/mask_facts.h"

#include "lib/core/pixel_source.h"

namespace untiled {

Extent mask_extent(const Extent& slide, int64_t downsample) {
  return {ceil_div(slide.rows, downsample), ceil_div(slide.cols, downsample)};
}

MaskFacts reduced(const MaskFacts& facts, int64_t d) {
  MaskFacts smaller = facts;
  const auto factor = static_cast<double>(d);
  smaller.extent = mask_extent(facts.extent, d);
  smaller.downsample_x *= factor;
  smaller.downsample_y *= factor;
  if (facts.scale) {
    smaller.scale = OutputScale{facts.scale->mpp_x * factor, facts.scale->mpp_y * factor};
  }
  return smaller;
}

int label_count(const MaskFacts& facts) {
  return facts.classes.size() < 2 ? 2 : static_cast<int>(facts.classes.size());
}

std::array<uint8_t, 256> file_values(const std::vector<MaskClass>& classes) {
  std::array<uint8_t, 256> values{};
  if (classes.size() <= 1) {
    values.fill(255);
    values[0] = values[kIgnoredLabel] = 0;
    return values;
  }
  values[kIgnoredLabel] = kIgnoredLabel;
  for (size_t i = 0; i < classes.size(); ++i) values[i] = static_cast<uint8_t>(classes[i].value);
  return values;
}

std::vector<MaskClass> file_classes(const std::vector<MaskClass>& classes) {
  if (classes.size() > 1) return classes;
  MaskClass only = classes.empty() ? MaskClass{"tissue"} : classes.front();
  only.value = 255;
  return {{"background", 0}, only};
}

std::string to_string(Origin origin) { return origin == Origin::kQuPath ? "qupath" : "openslide"; }

}  // namespace untiled
