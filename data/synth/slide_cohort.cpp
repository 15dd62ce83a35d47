#include "data/synth/slide_cohort.h"

#include <fmt/format.h>

#include <string>

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

}  // namespace

void synthesize_cohort(const CohortOptions& options) {
  make_folder(options.folder);
  std::string manifest = "slide,label,split\n";
  for (int64_t i = 0; i < options.slides; ++i) {
    const std::string name = fmt::format("slide_{:04}.tif", i);
    const uint64_t seed = mix64(mix64(options.seed) + static_cast<uint64_t>(i));
    const bool is_positive = i % 2 == 1;
    SynthOptions slide{.extent = options.extent, .seed = seed, .mpp = options.mpp};
    slide.threads = options.threads;
    slide.slide = options.folder / name;
    const Marks marks(seed, options.told_by, is_positive);
    slide.decorate = [&marks](const Region& region, Painted& painted) {
      marks.paint(region, painted);
    };
    synthesize(slide, draw_patches(seed, options.threads, options.stain));
    manifest += fmt::format("{},{},{}\n", name, is_positive ? "positive" : "negative", split_of(i));
  }
  write_file(options.folder / "manifest.csv", manifest);
}

}  // namespace untiled
