// What one value of a pixel is.
#pragma once

#include <cstddef>

namespace untiled::filters {

enum class Sample { kUint8, kFloat32 };

constexpr size_t bytes_of(Sample sample) { return sample == Sample::kUint8 ? 1 : 4; }

}  // namespace untiled::filters
