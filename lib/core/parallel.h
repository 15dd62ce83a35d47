// A loop whose turns run in several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace untiled {

/// Calls `body(0)` ... `body(count - 1)`, each once, in `threads` threads (this one included).
/// Turns that follow an error are left out; throws the first error.
void parallel_for(size_t count, int threads, const std::function<void(size_t)>& body);

}  // namespace untiled
