// Which slide comes when: a function of the seed alone, so that a resumed run goes on alike.
#pragma once

#include <cstddef>
#include <cstdint>

namespace untiled {

/// The slide at `position` (from 0) of an endless sequence that shows each of `slides` once an
/// epoch, every epoch in another order.
size_t slide_at(uint64_t seed, size_t slides, int64_t position);

}  // namespace untiled
