#include "lib/codecs/codecs.h"

#include <zstd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/codecs/streams.h"

namespace untiled {
namespace {

using Json = nlohmann::json;

TEST_CASE("what a codec encodes it decodes, whatever the bytes and the settings") {
  const std::vector<CodecPtr> codecs = {
      make_codec("zstd"),
      make_codec("zstd", {{"level", 3}, {"checksum", true}}),
      make_codec("zstd", {{"level", -5}}),
      make_codec("gzip"),
      make_codec("gzip", {{"level", 0}}),
      make_codec("zlib", {{"level", 9}}),
      make_codec("crc32c"),
      make_codec("blosc"),
      make_codec("blosc", {{"cname", "zstd"}, {"clevel", 1}, {"shuffle", "bitshuffle"}}),
      make_codec("blosc", {{"cname", "blosclz"}, {"shuffle", 2}, {"typesize", 4}}),
      make_codec("blosc", {{"cname", "zlib"}, {"shuffle", -1}, {"blocksize", 4096}}),
      make_codec("blosc", {{"cname", "lz4hc"}, {"shuffle", "noshuffle"}}),
  };
  for (const CodecPtr& codec : codecs) {
    for (const Bytes& raw : sample_bytes()) {
      INFO(codec->name() << " " << codec->configuration() << " of " << raw.size() << " bytes");
      const Bytes encoded = codec->encode(span_of(raw));
      CHECK(codec->encode(span_of(raw)) == encoded);
      CHECK(codec->decode(span_of(encoded), raw.size()) == raw);
      const CodecPtr again = make_codec(codec->name(), codec->configuration());
      CHECK(again->encode(span_of(raw)) == encoded);
      if (!raw.empty()) {
        CHECK_THROWS_AS(codec->decode(span_of(encoded), raw.size() - 1), DataError);
      }
    }
  }
}

TEST_CASE("a zstd frame says how many bytes it holds") {
  const Bytes raw(1000, 7);
  const Bytes encoded = make_codec("zstd")->encode(span_of(raw));
  CHECK(ZSTD_getFrameContentSize(encoded.data(), encoded.size()) == 1000);
}

/// Smooth as what JPEG made of tissue, with a grain here and there: `size` bytes of RGB pixels in
/// rows of 512.
Bytes tissue(size_t size) {
  std::minstd_rand random(5);
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) {
    const auto row = static_cast<double>(i / 1536);
    const auto col = static_cast<double>(i % 1536 / 3);
    const double wave = std::cos(col / 19) + std::sin(row / 23) + std::cos((col - row) / 41);
    const double noise = random() % 16 == 0 ? 1 : 0;
    bytes[i] = static_cast<uint8_t>(180 - 25 * static_cast<double>(i % 3) + 20 * wave + noise);
  }
  return bytes;
}

// Chunks of slides become up to a hundredth smaller than by the library's own level 1; these waves,
// of which few places come again, are about the worst.
TEST_CASE("zstd's level 1 of chunks is a usual frame, hardly larger than the library's own") {
  for (const size_t size : {size_t{1000}, size_t{256} << 10, (size_t{256} << 10) + 1,
                            size_t{512 * 512 * 3}, size_t{1024 * 1024 * 3}}) {
    CAPTURE(size);
    const Bytes raw = tissue(size);
    const Bytes encoded = make_codec("zstd", {{"level", 1}})->encode(span_of(raw));
    Bytes plain(ZSTD_compressBound(size));
    const size_t plain_size = ZSTD_compress(plain.data(), plain.size(), raw.data(), size, 1);
    CHECK(static_cast<double>(encoded.size()) <= 1.05 * static_cast<double>(plain_size));
    CHECK(ZSTD_getFrameContentSize(encoded.data(), encoded.size()) == size);
    CHECK(ZSTD_findFrameCompressedSize(encoded.data(), encoded.size()) == encoded.size());
    Bytes decoded(size);
    REQUIRE(ZSTD_decompress(decoded.data(), size, encoded.data(), encoded.size()) == size);
    CHECK(decoded == raw);
  }
}

TEST_CASE("a zstd stream that does not say its size, and one of two frames, are read") {
  const Bytes raw = sample_bytes().back();
  Bytes encoded(ZSTD_compressBound(raw.size()));
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  const size_t size =
      ZSTD_compress2(context, encoded.data(), encoded.size(), raw.data(), raw.size());
  ZSTD_freeCCtx(context);
  REQUIRE(ZSTD_isError(size) == 0);
  encoded.resize(size);
  REQUIRE(ZSTD_getFrameContentSize(encoded.data(), size) == ZSTD_CONTENTSIZE_UNKNOWN);
  const CodecPtr codec = make_codec("zstd");
  CHECK(codec->decode(span_of(encoded), raw.size()) == raw);
  CHECK_THROWS_AS(codec->decode(span_of(encoded), raw.size() - 1), DataError);
  Bytes twice = encoded;
  twice.insert(twice.end(), encoded.begin(), encoded.end());
  CHECK(codec->decode(span_of(twice), 2 * raw.size()).size() == 2 * raw.size());
}

TEST_CASE("a gzip header holds no time") {
  const Bytes encoded = make_codec("gzip")->encode(span_of(Bytes(10, 1)));
  CHECK(std::all_of(encoded.begin() + 4, encoded.begin() + 8, [](uint8_t b) { return b == 0; }));
}

TEST_CASE("unknown codecs and settings are refused with what was found") {
  const auto message = [](const std::string& name, const Json& configuration) -> std::string {
    try {
      make_codec(name, configuration);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  CHECK_THAT(message("lzma", Json::object()), contains_text("lzma") && contains_text("zstd"));
  CHECK_THAT(message("zstd", {{"level", 99}}), contains_text("99"));
  CHECK_THAT(message("zstd", {{"level", uint64_t{1} << 63}}), contains_text("level"));
  CHECK_THAT(message("zstd", {{"level", "fast"}}), contains_text("\"fast\""));
  CHECK_THAT(message("zstd", {{"window", 1}}), contains_text("window"));
  CHECK_THAT(message("gzip", {1}), contains_text("[1]"));
  CHECK_THAT(message("blosc", {{"cname", "snappier"}}), contains_text("snappier"));
  CHECK_THAT(message("blosc", {{"shuffle", "riffle"}}), contains_text("riffle"));
  CHECK_THAT(message("crc32c", {{"seed", 1}}), contains_text("seed"));
}

}  // namespace
}  // namespace untiled
