// What this process may use and what it uses: cores and memory as its affinity mask and cgroup
// allow, not what the host has.
#pragma once

#include <cstdint>

namespace untiled {

/// Cores that the process may use: the affinity mask, limited by the cgroup's CPU quota (v1 and
/// v2), at least 1.
int usable_cores();
/// Bytes that the process may use: physical memory, limited by the cgroup (v1 and v2).
int64_t usable_memory_bytes();
/// Seconds of processors that the process has used, in the system too, all threads together.
double cpu_seconds();
/// Resident bytes now (VmRSS; on macOS task_info's resident_size).
int64_t resident_bytes();
/// Most resident bytes since start or the last reset (VmHWM; on macOS ru_maxrss).
int64_t peak_resident_bytes();
/// Keeps the heap's memory for what will be allocated next, up to some tens of megabytes a thread:
/// buffers of pixels come and go, and the system would clear every page of each anew. To be called
/// at the program's start.
void keep_heap_memory();
/// Gives back what of that is free now: to be called between two parts of a run that need memory
/// for different things. Any thread.
void return_heap_memory();
/// Resets the peak where the system can (Linux: /proc/self/clear_refs); false where it cannot.
bool reset_peak_resident();

}  // namespace untiled
