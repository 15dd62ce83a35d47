// Compressed streams: the first byte says which codec reads them. What it encodes it reads again.
#include "lib/codecs/codecs.h"

#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  if (bytes.empty()) return;
  const auto kinds = codec_kinds();
  const CodecPtr codec = make_codec(kinds[bytes.front() % kinds.size()].name);
  const auto stream = bytes.subspan(1);
  constexpr size_t kLimit = 1 << 20;
  refusing([&] {
    if (codec->decode(stream, kLimit).size() > kLimit) std::abort();
  });
  const Bytes encoded = codec->encode(stream);
  const Bytes again = codec->decode({encoded.data(), encoded.size()}, stream.size());
  if (!std::equal(stream.begin(), stream.end(), again.begin(), again.end())) std::abort();
})
