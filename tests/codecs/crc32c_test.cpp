#include "lib/codecs/crc32c.h"

#include "tests/catch.h"
#include "tests/codecs/streams.h"

namespace untiled {
namespace {

TEST_CASE("crc32c gives the numbers of RFC 3720, appendix B.4") {
  Bytes ascending(32);
  for (size_t i = 0; i < ascending.size(); ++i) ascending[i] = static_cast<uint8_t>(i);
  const Bytes descending(ascending.rbegin(), ascending.rend());
  CHECK(crc32c(span_of(Bytes(32, 0))) == 0x8A9136AA);
  CHECK(crc32c(span_of(Bytes(32, 0xFF))) == 0x62A8AB43);
  CHECK(crc32c(span_of(ascending)) == 0x46DD794E);
  CHECK(crc32c(span_of(descending)) == 0x113FDB5C);
}

TEST_CASE("the processor's crc32c and the table's are equal at any length and place") {
  const Bytes noise = sample_bytes()[3];
  for (size_t begin = 0; begin < 9; ++begin) {
    for (size_t size = 0; size < 70; ++size) {
      const std::span<const uint8_t> part(noise.data() + begin, size);
      REQUIRE(crc32c(part) == crc32c_by_table(part));
    }
  }
  CHECK(crc32c(span_of(noise)) == crc32c_by_table(span_of(noise)));
}

}  // namespace
}  // namespace untiled
