#include "lib/core/mirrored_memory.h"

#ifdef __linux__
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstring>
#include <string>

#include "lib/core/resources.h"
#include "tests/catch.h"
#include "tests/core/file_size_limit.h"

#ifdef __linux__
/// What UCX before 1.14 puts in the C library's place: the new mapping's address is forgotten.
extern "C" void* mremap(void* address, size_t old_size, size_t new_size, int flags, ...) noexcept {
  const long mapped = syscall(SYS_mremap, address, old_size, new_size, flags & ~MREMAP_FIXED);
  return reinterpret_cast<void*>(mapped);
}
#endif

namespace untiled {
namespace {

TEST_CASE(
    "what is written at one place of mirrored memory is read at the other, over the seam too") {
  const int64_t bytes = 3 * MirroredMemory::granularity();
  const MirroredMemory memory(bytes);
  CHECK(memory.data()[0] == 0);
  memory.data()[5] = 7;
  CHECK(memory.data()[bytes + 5] == 7);
  memory.data()[bytes + 9] = 3;
  CHECK(memory.data()[9] == 3);
  const std::string text = "over the seam";
  std::memcpy(memory.data() + bytes - 4, text.data(), text.size());
  CHECK(std::string(memory.data() + bytes - 4, memory.data() + bytes + 9) == text);
  CHECK(std::string(memory.data(), memory.data() + 9) == text.substr(4));
}

TEST_CASE("a limit of files' sizes does not bound mirrored memory") {
  const FileSizeLimit limit(1000);
  const MirroredMemory memory(64 * MirroredMemory::granularity());
  memory.data()[0] = 1;
  CHECK(memory.data()[memory.size_bytes()] == 1);
}

#ifdef __linux__
TEST_CASE("mirrored memory that rests is counted once and keeps what it holds") {
  constexpr int64_t kBytes = 64 << 20;
  const MirroredMemory memory(kBytes);
  std::memset(memory.data(), 1, kBytes);
  std::memset(memory.data() + kBytes, 2, kBytes);
  const int64_t twice = resident_bytes();
  memory.rest();
  CHECK(twice - resident_bytes() > kBytes / 2);
  CHECK(memory.data()[kBytes - 1] == 2);
  CHECK(memory.data()[kBytes + 7] == 2);
}

TEST_CASE("memory is mirrored where a library has replaced mremap by one that forgets the place") {
  const int64_t page = MirroredMemory::granularity();
  MirroredMemory other(2 * page);
  void* moved = mremap(other.data(), 0, static_cast<size_t>(page), MREMAP_MAYMOVE | MREMAP_FIXED,
                       other.data() + page);
  REQUIRE(moved != other.data() + page);  // Or there would be nothing to withstand.
  munmap(moved, static_cast<size_t>(page));
  const MirroredMemory memory(page);
  memory.data()[7] = 9;
  CHECK(memory.data()[page + 7] == 9);
}
#endif

}  // namespace
}  // namespace untiled
