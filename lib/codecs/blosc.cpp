#include "lib/codecs/blosc.h"

#include <blosc.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lib/codecs/claim.h"
#include "lib/codecs/configuration.h"
#include "lib/core/error.h"
#include "lib/core/printable.h"

namespace untiled {
namespace {

/// As zstd's, which may be inside.
constexpr uint64_t kMostGrowth = uint64_t{128} << 10;
constexpr std::array<const char*, 3> kShuffles = {"noshuffle", "shuffle", "bitshuffle"};
constexpr int kAutoShuffle = -1;
constexpr int kMostLevel = 9;
constexpr int kMostTypeSize = BLOSC_MAX_TYPESIZE;
constexpr int kMostBlockSize = 1 << 30;

int shuffle_of(const nlohmann::json& configuration) {
  const auto found = configuration.find("shuffle");
  if (found == configuration.end() || found->is_number()) {
    return integer_of("blosc", configuration, "shuffle", kAutoShuffle, BLOSC_BITSHUFFLE,
                      BLOSC_SHUFFLE);
  }
  const std::string name = text_of("blosc", configuration, "shuffle", "");
  const auto* const known = std::find(kShuffles.begin(), kShuffles.end(), name);
  if (known == kShuffles.end()) {
    throw DataError(
        fmt::format("the shuffle of its codec blosc is {} where noshuffle, shuffle or "
                    "bitshuffle is read",
                    printable(name)));
  }
  return static_cast<int>(known - kShuffles.begin());
}

struct BloscSettings {
  std::string compressor;
  int level = 5;
  int shuffle = BLOSC_SHUFFLE;
  int type_size = 1;
  int block_size = 0;
};

class Blosc : public Codec {
 public:
  explicit Blosc(BloscSettings settings) : settings_(std::move(settings)) {}

  std::string name() const override { return "blosc"; }
  nlohmann::json configuration() const override {
    return {{"cname", settings_.compressor},
            {"clevel", settings_.level},
            {"shuffle", kShuffles[static_cast<size_t>(settings_.shuffle)]},
            {"typesize", settings_.type_size},
            {"blocksize", settings_.block_size}};
  }

  Bytes encode(std::span<const uint8_t> raw) const override {
    if (raw.size() > BLOSC_MAX_BUFFERSIZE) {
      throw DataError(fmt::format("{} bytes are more than blosc can hold", raw.size()));
    }
    Bytes encoded(raw.size() + BLOSC_MAX_OVERHEAD);
    const int size = blosc_compress_ctx(
        settings_.level, settings_.shuffle, static_cast<size_t>(settings_.type_size), raw.size(),
        raw.data(), encoded.data(), encoded.size(), settings_.compressor.c_str(),
        static_cast<size_t>(settings_.block_size), 1);
    if (size <= 0) throw InternalError(fmt::format("blosc cannot compress: {}", size));
    encoded.resize(static_cast<size_t>(size));
    return encoded;
  }

  Bytes decode(std::span<const uint8_t> encoded, size_t limit) const override {
    size_t claimed = 0;
    if (encoded.size() < BLOSC_MIN_HEADER_LENGTH ||
        blosc_cbuffer_validate(encoded.data(), encoded.size(), &claimed) != 0) {
      throw DataError("its bytes are no blosc buffer");
    }
    require_claim("blosc", claimed, limit, encoded.size(), kMostGrowth);
    Bytes raw(claimed);
    const int size = blosc_decompress_ctx(encoded.data(), raw.data(), raw.size(), 1);
    if (size < 0 || static_cast<size_t>(size) != claimed) {
      throw DataError("its blosc buffer is damaged");
    }
    return raw;
  }

 private:
  BloscSettings settings_;
};

}  // namespace

CodecPtr make_blosc(const nlohmann::json& configuration) {
  require_known_keys("blosc", configuration,
                     {"cname", "clevel", "shuffle", "typesize", "blocksize"});
  BloscSettings settings;
  settings.compressor = text_of("blosc", configuration, "cname", "lz4");
  if (blosc_compname_to_compcode(settings.compressor.c_str()) < 0) {
    throw DataError(fmt::format("the compressor {} inside its codec blosc is not read",
                                printable(settings.compressor)));
  }
  settings.level = integer_of("blosc", configuration, "clevel", 0, kMostLevel, 5);
  settings.type_size = integer_of("blosc", configuration, "typesize", 1, kMostTypeSize, 1);
  settings.block_size = integer_of("blosc", configuration, "blocksize", 0, kMostBlockSize, 0);
  settings.shuffle = shuffle_of(configuration);
  if (settings.shuffle == kAutoShuffle) {
    settings.shuffle = settings.type_size == 1 ? BLOSC_BITSHUFFLE : BLOSC_SHUFFLE;
  }
  return std::make_shared<Blosc>(std::move(settings));
}

}  // namespace untiled
