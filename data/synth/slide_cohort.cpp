#include "data/synth/slide_cohort.h"

#include <fmt/format.h>

#include <functional>
#include <string>

#include "data/synth/glands.h"
#include "lib/core/atomic_file.h"
#include "lib/core/random.h"

namespace untiled {
namespace {

/// Of ten slides, five pairs of both classes: three for training, one each for the rest.
const char* split_of(int64_t slide) {
  switch (slide / 2 % 5) {
    case 3:
      return "val";
    case 4:
      return "test";
    default:
      return "train";
  }
}

/// What is painted over a slide to tell its class.
std::function<void(const Region&, Painted&)> decoration(const CohortOptions& options, uint64_t seed,
                                                        bool is_positive) {
  if (options.told_by == ToldBy::kContext) {
    return [glands = Glands(options.extent, seed, is_positive)](
               const Region& region, Painted& painted) { glands.paint(region, painted); };
  }
  const MarkOptions marks{options.told_by, is_positive, options.distance};
  return [marks = Marks(options.extent, seed, marks)](const Region& region, Painted& painted) {
    marks.paint(region, painted);
  };
}

/// Glands by the class of their slide.
MaskMeaning gland_mask(bool is_positive) {
  const uint8_t gland = is_positive ? 2 : 1;
  return {{{"background", 0, {}}, {"negative", 1, {}}, {"positive", 2, {}}}, {0, 0, 0, gland}};
}

}  // namespace

void synthesize_cohort(const CohortOptions& options) {
  const bool has_masks = options.told_by == ToldBy::kContext;
  std::string manifest = has_masks ? "slide,mask,label,split\n" : "slide,label,split\n";
  for (int64_t i = 0; i < options.slides; ++i) {
    const std::string name = fmt::format("slide_{:04}.tif", i);
    const uint64_t seed = mix64(mix64(options.seed) + static_cast<uint64_t>(i));
    const bool is_positive = i % 2 == 1;
    SynthOptions slide{.extent = options.extent, .seed = seed, .mpp = options.mpp};
    slide.threads = options.threads;
    slide.decorate = decoration(options, seed, is_positive);
    if (has_masks) slide.mask = gland_mask(is_positive);
    make_folder(options.folder);
    slide.slide = options.folder / name;
    const SynthReport report =
        synthesize(slide, draw_patches(seed, options.threads, options.stain));
    const std::string mask = has_masks ? report.mask.filename().string() + "," : "";
    manifest +=
        fmt::format("{},{}{},{}\n", name, mask, is_positive ? "positive" : "negative", split_of(i));
  }
  write_file(options.folder / "manifest.csv", manifest);
}

}  // namespace untiled
