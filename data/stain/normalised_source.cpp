#include "data/stain/normalised_source.h"

#include <utility>

#include "lib/core/recoloured_source.h"
#include "lib/filters/recoloring.h"

namespace untiled {
std::shared_ptr<const PixelSource> make_normalised(std::shared_ptr<const PixelSource> source,
                                                   const filters::Stains& slide,
                                                   const filters::Stains& target) {
  const auto recoloring = std::make_shared<const filters::Recoloring>(slide, target);
  return make_recoloured(std::move(source), [recoloring](uint8_t* pixels, int64_t count) {
    recoloring->apply(pixels, count, pixels);
  });
}

}  // namespace untiled
