// A file of memory, without a name: each platform has its own way to one.
#pragma once

namespace untiled {

/// A descriptor of memory that can be mapped more than once, or -1.
int open_shared_memory();

}  // namespace untiled
