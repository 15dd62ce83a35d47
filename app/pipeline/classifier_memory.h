// What a classifier's run holds beside its steps.
#pragma once

#include <cstdint>
#include <vector>

#include "app/config/settings.h"
#include "app/pipeline/slide_set.h"
#include "lib/plan/memory.h"

namespace untiled {

/// data.cache, where auto is none: a classifier's tensors need the memory more.
CacheMode classifier_cache(const Settings& settings);

/// The most that the decoder of any slide holds.
int64_t most_reader_bytes(const SlideSets& slides);

/// Decoders and normalised colours of the slides of a step, which are open together, and the cache
/// of all slides.
MemoryLedger held_beside_steps(const Settings& settings, const SlideSets& slides);

/// The same of slides that are known by their size alone: without decoders.
MemoryLedger held_beside_steps(const Settings& settings, const std::vector<Extent>& slides);

}  // namespace untiled
