// Streams that claim what they do not hold, and damaged ones.
#include <random>

#include "lib/codecs/codecs.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/codecs/streams.h"

namespace untiled {
namespace {

constexpr const char* kNames[] = {"zstd", "gzip", "zlib", "blosc", "crc32c"};

std::string refusal(const Codec& codec, const Bytes& stream, size_t limit) {
  try {
    codec.decode(span_of(stream), limit);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("a stream that claims a gigabyte is refused before memory is taken for it") {
  // A zstd frame header with a content size of eight bytes, 2^30, and a raw block of nothing.
  const Bytes zstd = {0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0x40, 0, 0, 0, 0, 1, 0, 0};
  CHECK_THAT(refusal(*make_codec("zstd"), zstd, 1000), contains_text("1073741824"));
  CHECK_THAT(refusal(*make_codec("zstd"), zstd, size_t{1} << 31),
             contains_text("more than its 16 bytes can hold"));
  // Blosc: version 2, no shuffle, type size 1, 2^30 bytes in blocks of 2^20, 16 bytes with its
  // header.
  const Bytes blosc = {2, 1, 0, 1, 0, 0, 0, 0x40, 0, 0, 0x10, 0, 16, 0, 0, 0};
  CHECK_THAT(refusal(*make_codec("blosc"), blosc, 1000), contains_text("1073741824"));
  CHECK_FALSE(refusal(*make_codec("blosc"), blosc, size_t{1} << 31).empty());
}

TEST_CASE("cut streams are refused, and so is nothing at all") {
  const Bytes raw = sample_bytes().back();
  for (const char* name : kNames) {
    const CodecPtr codec = make_codec(name);
    const Bytes encoded = codec->encode(span_of(raw));
    for (const size_t size :
         {size_t{0}, size_t{1}, size_t{15}, encoded.size() / 2, encoded.size() - 1}) {
      INFO(name << " cut to " << size);
      CHECK_FALSE(
          refusal(*codec, Bytes(encoded.begin(), encoded.begin() + size), raw.size()).empty());
    }
  }
}

TEST_CASE("mutated streams give an error or at most as many bytes as belong there") {
  std::mt19937 random(11);
  Bytes raw = sample_bytes().back();
  raw.resize(3000);
  for (const char* name : kNames) {
    const CodecPtr codec = make_codec(name);
    const Bytes encoded = codec->encode(span_of(raw));
    for (int turn = 0; turn < 6000; ++turn) {
      Bytes stream = encoded;
      for (unsigned i = random() % 4 + 1; i > 0; --i) {
        // Headers decide most, so they are hit often.
        const size_t reach =
            random() % 2 == 0 ? std::min<size_t>(24, stream.size()) : stream.size();
        stream[random() % reach] = static_cast<uint8_t>(random());
      }
      if (random() % 4 == 0) stream.resize(random() % stream.size());
      try {
        const Bytes decoded = codec->decode(span_of(stream), raw.size());
        REQUIRE(decoded.size() <= raw.size());
      } catch (const DataError&) {
        continue;
      }
    }
  }
}

}  // namespace
}  // namespace untiled
