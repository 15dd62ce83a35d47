// What every system has, each in its own way: platform_linux.cpp and platform_macos.cpp, of which
// CMake takes one. A call that only one system knows stands there (and in mapped_memory.cpp), so
// that the rest is the same everywhere. resources.h's resident memory is defined there too.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <string>

namespace untiled {

/// The file of the program that runs. Throws InternalError where the system does not tell.
std::filesystem::path own_program();

/// The processor's name for people, or "unknown processor".
std::string processor_name();

/// Of the processor's last cache, as the system says it; a usual size (32 MiB) where it does not.
int64_t last_cache_bytes();

/// Cores that the scheduler may give to this process, before any quota.
int schedulable_cores();

/// Lets this process get SIGTERM when the thread that started it ends, however that comes about;
/// macOS has no such way. For a child between fork and exec.
void end_with_parent();

/// When a file's content was last changed.
timespec modified_time(const struct stat& status);

/// open() of a file whose writes are to pass the page cache; -1 where the file system has no such
/// way. Memory, sizes and offsets must then be multiples of 4,096 bytes.
int open_uncached(const char* path, int flags);

/// Lets the system forget what it keeps of a file in memory, so that its next read comes from the
/// disk. False where it cannot be made to: in a file system that is memory, and on macOS.
bool forget_cached_file(const char* path);

/// Puts to disk what was written to the file system that holds `path`, as far as it can be done
/// without an error: where it cannot, a power cut may undo it.
void flush_file_system(const char* path);

/// What tells this machine since its start, and this container on it, from others: the processes
/// that see one another's numbers have it in common. A hash that no name can be found from.
std::string machine_token();

}  // namespace untiled
