// What data.stain asks for, and what it takes to do it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "data/slide/view.h"
#include "data/stain/stain_settings.h"
#include "lib/filters/stains.h"

namespace untiled {

/// The stains that slides are made to look like; nothing where their pixels stay as they are.
std::optional<filters::Stains> target_stains(const StainSettings& settings);

/// A slide's own stains at the level or scale of a view, from the whole frame, of which a crop may
/// be looked at. Decodes it once, with so many threads, and depends on nothing but its pixels.
/// Nothing where it has too little tissue. Throws DataError, Interrupted.
std::optional<filters::Stains> slide_stains(std::shared_ptr<const SlideReader> reader,
                                            ViewOptions view, int workers);

/// For people, behind a slide's name: what becomes of one that has no stains.
inline constexpr const char* kNoStainsWarning =
    "too little tissue to tell its stains, so its pixels stay as they are (data.stain.method: "
    "macenko)";

/// What an open slide holds for its normalised colours: 0 where pixels stay as they are.
int64_t stain_bytes(const StainSettings& settings);

/// As many of `threads` (0: one a usable core) as may count a slide's colours within memory_budget,
/// of which `held_bytes` are taken. Throws ConfigError with the least budget that works.
int counting_workers(int threads, int64_t memory_budget, int64_t held_bytes);

}  // namespace untiled
