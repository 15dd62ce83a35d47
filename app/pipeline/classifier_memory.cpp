#include "app/pipeline/classifier_memory.h"

#include <algorithm>

#include "data/loader/cache.h"
#include "data/stain/slide_stains.h"

namespace untiled {
namespace {

constexpr int kRgb = 3;

std::vector<Extent> extents_of(const SlideSets& slides) {
  std::vector<Extent> extents;
  for (const std::vector<SlideInput>* set : {&slides.training, &slides.validation}) {
    for (const SlideInput& input : *set) extents.push_back(input.slide->extent());
  }
  return extents;
}

}  // namespace

CacheMode classifier_cache(const Settings& settings) {
  return settings.data.cache == CacheMode::kAuto ? CacheMode::kNone : settings.data.cache;
}

int64_t most_reader_bytes(const SlideSets& slides) {
  int64_t most = 0;
  for (const std::vector<SlideInput>* set : {&slides.training, &slides.validation}) {
    for (const SlideInput& input : *set) most = std::max(most, input.slide->slide().held_bytes);
  }
  return most;
}

MemoryLedger held_beside_steps(const Settings& settings, const SlideSets& slides) {
  MemoryLedger held = held_beside_steps(settings, extents_of(slides));
  held[Holder::kReaders] = most_reader_bytes(slides) * settings.train.batch;
  return held;
}

MemoryLedger held_beside_steps(const Settings& settings, const std::vector<Extent>& slides) {
  MemoryLedger held;
  held[Holder::kStains] = stain_bytes(settings.data.stain) * settings.train.batch;
  for (const Extent& slide : slides) {
    held[Holder::kCache] += cache_footprint(classifier_cache(settings), slide, kRgb).resident_bytes;
  }
  return held;
}

}  // namespace untiled
