#include "lib/core/row_copy.h"

#include <hwy/highway.h>
#include <hwy/targets.h>

#include <algorithm>
#include <vector>

#include "lib/core/platform.h"
#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

constexpr size_t kLine = 64;
constexpr uint8_t kUntouched = 0xa5;

std::vector<uint8_t> noise(size_t bytes) {
  std::vector<uint8_t> values(bytes);
  for (size_t i = 0; i < bytes; ++i) values[i] = static_cast<uint8_t>(mix64(i) >> 11);
  return values;
}

/// Memory that begins at a cache line, with a line before and after what is written.
class Guarded {
 public:
  explicit Guarded(size_t bytes) : memory_(bytes + 4 * kLine, kUntouched) {}
  uint8_t* line() {
    const size_t past = reinterpret_cast<uintptr_t>(memory_.data()) % kLine;
    return memory_.data() + kLine + (kLine - past);
  }
  size_t touched() const {
    return memory_.size() -
           static_cast<size_t>(std::count(memory_.begin(), memory_.end(), kUntouched));
  }

 private:
  std::vector<uint8_t> memory_;
};

TEST_CASE("a row that is read later holds the same bytes, at any place and of any length") {
  std::vector<uint8_t> from = noise(700);
  std::replace(from.begin(), from.end(), kUntouched, uint8_t{0});
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    CAPTURE(hwy::TargetName(target));
    for (size_t place = 0; place < kLine; ++place) {
      for (const size_t skipped : {0, 1, 13, 64}) {
        for (const size_t bytes : {0, 1, 3, 63, 64, 65, 127, 128, 129, 191, 255, 300, 577}) {
          Guarded to(bytes + kLine);
          RowCopy(NextRead::kLater).copy(from.data() + skipped, to.line() + place, bytes);
          const bool same = std::equal(to.line() + place, to.line() + place + bytes,
                                       from.begin() + static_cast<std::ptrdiff_t>(skipped));
          if (!same || to.touched() != bytes) {
            hwy::SetSupportedTargetsForTest(0);
            FAIL("place " << place << ", " << skipped << " skipped, " << bytes << " bytes");
          }
        }
      }
    }
    hwy::SetSupportedTargetsForTest(0);
  }
}

TEST_CASE("only what the last cache cannot hold is read later") {
  CHECK(last_cache_bytes() >= int64_t{64} << 10);
  CHECK(next_read_of(last_cache_bytes()) == NextRead::kSoon);
  CHECK(next_read_of(last_cache_bytes() + 1) == NextRead::kLater);
  CHECK(next_read_of(0) == NextRead::kSoon);
}

}  // namespace
}  // namespace untiled
