#include "lib/core/mirrored_memory.h"

#include <cstring>
#include <string>

#include "tests/catch.h"
#include "tests/core/file_size_limit.h"

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

}  // namespace
}  // namespace untiled
