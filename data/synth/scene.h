// What is on a synthetic slide: sections of tissue on glass, with pen marks.
#pragma once

#include <cstdint>
#include <vector>

#include "data/synth/section.h"
#include "lib/core/region.h"

namespace untiled {

/// Sections in boxes that share out the slide: two rows of boxes, or one on long slides. A function
/// of the extent and the seed alone.
class Scene {
 public:
  Scene(const Extent& extent, uint64_t seed);

  const Extent& extent() const { return extent_; }
  const std::vector<Section>& sections() const { return sections_; }
  /// Pixels between the nodes of the sections' fields.
  int64_t step() const { return step_; }

 private:
  Extent extent_;
  int64_t step_;
  std::vector<Section> sections_;
};

}  // namespace untiled
