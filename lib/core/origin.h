// Where the coordinates of a slide begin.
#pragma once

namespace untiled {

/// kQuPath: at the slide's bounds, as QuPath has it; kOpenSlide: at the first of all its pixels.
enum class Origin { kQuPath, kOpenSlide };

}  // namespace untiled
