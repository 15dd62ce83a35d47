#include "lib/codecs/zstd.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <nlohmann/json.hpp>

#include "lib/codecs/claim.h"
#include "lib/codecs/configuration.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

/// A block of four bytes repeats one byte 128 KiB times.
constexpr uint64_t kMostGrowth = uint64_t{128} << 10;
constexpr int kLeastLevel = -131072;
constexpr int kMostLevel = 22;
/// Frames that ask for a larger window (128 MiB) are refused.
constexpr int kMostWindowLog = 27;

struct ContextCloser {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

/// A thread's own, for making one costs as much as a small chunk.
ZSTD_CCtx* compressor() {
  static thread_local const std::unique_ptr<ZSTD_CCtx, ContextCloser> context(ZSTD_createCCtx());
  if (!context) throw std::bad_alloc();
  return context.get();
}

ZSTD_DCtx* decompressor() {
  static thread_local const std::unique_ptr<ZSTD_DCtx, ContextCloser> context(ZSTD_createDCtx());
  if (!context) throw std::bad_alloc();
  return context.get();
}

void require_sound(size_t code) {
  if (ZSTD_isError(code) == 0) return;
  throw DataError(fmt::format("its zstd stream is damaged: {}", ZSTD_getErrorName(code)));
}

void set(ZSTD_CCtx* context, ZSTD_cParameter parameter, int value) {
  require_sound(ZSTD_CCtx_setParameter(context, parameter, value));
}

/// Level 1 of large chunks: a tenth less time for as many bytes. The table of places fits the
/// nearest cache, and what it loses comes back from a window that holds the whole chunk.
void hasten_level_1(ZSTD_CCtx* context, size_t raw_size) {
  constexpr size_t kLargeBytes = size_t{256} << 10;  // The library's limit for other parameters.
  if (raw_size <= kLargeBytes) return;
  constexpr int kPlacesLog = 13;
  constexpr int kMostUsualWindowLog = 23;
  set(context, ZSTD_c_hashLog, kPlacesLog);
  set(context, ZSTD_c_windowLog,
      std::min(static_cast<int>(std::bit_width(raw_size)), kMostUsualWindowLog));
}

/// A stream whose size nobody says.
Bytes decode_unsized(std::span<const uint8_t> encoded, size_t limit) {
  constexpr size_t kStep = size_t{1} << 20;
  ZSTD_DCtx* const context = decompressor();
  ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters);
  require_sound(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kMostWindowLog));
  ZSTD_inBuffer in = {encoded.data(), encoded.size(), 0};
  Bytes raw;
  size_t size = 0;
  size_t left = 1;
  while (left != 0 || in.pos < in.size) {
    if (size > limit) refuse_more_than("zstd", limit);
    if (raw.size() == size) raw.resize(std::min(limit + 1, size + std::max(size, kStep)));
    ZSTD_outBuffer out = {raw.data(), raw.size(), size};
    const size_t before = in.pos;
    left = ZSTD_decompressStream(context, &out, &in);
    require_sound(left);
    const bool stuck = out.pos == size && in.pos == before;
    if (stuck) throw DataError("its zstd stream is cut short");
    size = out.pos;
  }
  if (size > limit) refuse_more_than("zstd", limit);
  raw.resize(size);
  return raw;
}

class Zstd : public Codec {
 public:
  Zstd(int level, bool checksum) : level_(level), checksum_(checksum) {}

  std::string name() const override { return "zstd"; }
  nlohmann::json configuration() const override {
    return {{"level", level_}, {"checksum", checksum_}};
  }

  Bytes encode(std::span<const uint8_t> raw) const override {
    ZSTD_CCtx* const context = compressor();
    ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
    set(context, ZSTD_c_compressionLevel, level_);
    set(context, ZSTD_c_checksumFlag, checksum_ ? 1 : 0);
    if (level_ == 1) hasten_level_1(context, raw.size());
    Bytes encoded(ZSTD_compressBound(raw.size()));
    const size_t size =
        ZSTD_compress2(context, encoded.data(), encoded.size(), raw.data(), raw.size());
    require_sound(size);
    encoded.resize(size);
    return encoded;
  }

  Bytes decode(std::span<const uint8_t> encoded, size_t limit) const override {
    const auto claimed = ZSTD_getFrameContentSize(encoded.data(), encoded.size());
    if (claimed == ZSTD_CONTENTSIZE_ERROR) throw DataError("its bytes are no zstd stream");
    const bool one_frame =
        ZSTD_findFrameCompressedSize(encoded.data(), encoded.size()) == encoded.size();
    if (claimed == ZSTD_CONTENTSIZE_UNKNOWN || !one_frame) return decode_unsized(encoded, limit);
    require_claim("zstd", claimed, limit, encoded.size(), kMostGrowth);
    Bytes raw(static_cast<size_t>(claimed));
    const size_t size =
        ZSTD_decompressDCtx(decompressor(), raw.data(), raw.size(), encoded.data(), encoded.size());
    require_sound(size);
    raw.resize(size);
    return raw;
  }

 private:
  int level_;
  bool checksum_;
};

}  // namespace

CodecPtr make_zstd(const nlohmann::json& configuration) {
  require_known_keys("zstd", configuration, {"level", "checksum"});
  return std::make_shared<Zstd>(
      integer_of("zstd", configuration, "level", kLeastLevel, kMostLevel, 1),
      flag_of("zstd", configuration, "checksum", false));
}

}  // namespace untiled
