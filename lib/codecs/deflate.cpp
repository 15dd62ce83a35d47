#include "lib/codecs/deflate.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "lib/codecs/claim.h"
#include "lib/codecs/configuration.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

/// Deflate makes at most 1,032 bytes of one.
constexpr size_t kMostGrowth = 1032;
/// zlib counts in 32 bits.
constexpr size_t kMostBytes = std::numeric_limits<uInt>::max();
constexpr size_t kSlack = 64;
constexpr int kMemoryLevel = 9;
constexpr int kWindowBits = 15;
constexpr int kGzipBits = kWindowBits + 16;

/// A zlib stream that ends itself.
class Stream {
 public:
  using End = int (*)(z_streamp);

  explicit Stream(End end) : end_(end) {}
  ~Stream() { end_(&z_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  z_streamp get() { return &z_; }
  z_stream* operator->() { return &z_; }

 private:
  z_stream z_ = {};
  End end_;
};

class Deflate : public Codec {
 public:
  Deflate(std::string name, int window_bits, int level)
      : name_(std::move(name)), window_bits_(window_bits), level_(level) {}

  std::string name() const override { return name_; }
  nlohmann::json configuration() const override { return {{"level", level_}}; }

  Bytes encode(std::span<const uint8_t> raw) const override {
    require_countable(raw.size());
    Stream stream(deflateEnd);
    if (deflateInit2(stream.get(), level_, Z_DEFLATED, window_bits_, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
    // The bound of zlib 1.2.13 is too small for nothing at level 0.
    Bytes encoded(deflateBound(stream.get(), raw.size()) + kSlack);
    aim(stream, raw, encoded, 0);
    if (deflate(stream.get(), Z_FINISH) != Z_STREAM_END) {
      throw InternalError("deflate needs more bytes than its own bound");
    }
    encoded.resize(encoded.size() - stream->avail_out);
    return encoded;
  }

  Bytes decode(std::span<const uint8_t> encoded, size_t limit) const override {
    require_countable(encoded.size());
    Stream stream(inflateEnd);
    if (inflateInit2(stream.get(), window_bits_) != Z_OK) throw std::bad_alloc();
    // One byte more than belongs there shows a stream that is too long.
    Bytes raw(std::min(limit, encoded.size() * kMostGrowth) + 1);
    require_countable(raw.size());
    aim(stream, encoded, raw, 0);
    int code = inflate(stream.get(), Z_FINISH);
    while (code == Z_STREAM_END && stream->avail_in > 0 && window_bits_ == kGzipBits) {
      if (inflateReset(stream.get()) != Z_OK) break;  // A file may have several members.
      code = inflate(stream.get(), Z_FINISH);
    }
    const size_t size = raw.size() - stream->avail_out;
    if (size > limit) refuse_more_than(name_, limit);
    if (code != Z_STREAM_END) refuse_damaged(code, stream->msg);
    raw.resize(size);
    return raw;
  }

 private:
  static void aim(Stream& stream, std::span<const uint8_t> from, Bytes& onto, size_t at) {
    stream->next_in = const_cast<Bytef*>(from.data());  // NOLINT: zlib does not write there
    stream->avail_in = static_cast<uInt>(from.size());
    stream->next_out = onto.data() + at;
    stream->avail_out = static_cast<uInt>(onto.size() - at);
  }

  void require_countable(size_t bytes) const {
    if (bytes <= kMostBytes) return;
    throw DataError(fmt::format("{} bytes are more than {} can count", bytes, name_));
  }

  [[noreturn]] void refuse_damaged(int code, const char* message) const {
    const char* const reason = message != nullptr    ? message
                               : code == Z_BUF_ERROR ? "it is cut short"
                                                     : "it is no such stream";
    throw DataError(fmt::format("its {} stream is damaged: {}", name_, reason));
  }

  std::string name_;
  int window_bits_;
  int level_;
};

CodecPtr make(const char* name, int window_bits, const nlohmann::json& configuration) {
  require_known_keys(name, configuration, {"level"});
  return std::make_shared<Deflate>(name, window_bits,
                                   integer_of(name, configuration, "level", -1, 9, 1));
}

}  // namespace

CodecPtr make_gzip(const nlohmann::json& configuration) {
  return make("gzip", kGzipBits, configuration);
}

CodecPtr make_zlib(const nlohmann::json& configuration) {
  return make("zlib", kWindowBits, configuration);
}

}  // namespace untiled
