#include "lib/codecs/codecs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "lib/codecs/blosc.h"
#include "lib/codecs/crc32c.h"
#include "lib/codecs/deflate.h"
#include "lib/codecs/zstd.h"
#include "lib/core/error.h"
#include "lib/core/printable.h"

namespace untiled {
namespace {

constexpr CodecKind kKinds[] = {
    {"blosc", make_blosc}, {"crc32c", make_crc32c}, {"gzip", make_gzip},
    {"zlib", make_zlib},   {"zstd", make_zstd},
};

}  // namespace

std::span<const CodecKind> codec_kinds() { return kKinds; }

CodecPtr make_codec(std::string_view name, const nlohmann::json& configuration) {
  const auto* const kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                        [&](const CodecKind& k) { return k.name == name; });
  if (kind != std::end(kKinds)) return kind->make(configuration);
  std::vector<std::string_view> names;
  for (const CodecKind& k : kKinds) names.push_back(k.name);
  throw DataError(fmt::format("the codec {} is not among those that are read ({})", printable(name),
                              fmt::join(names, ", ")));
}

CodecPtr make_codec(std::string_view name) { return make_codec(name, nlohmann::json::object()); }

}  // namespace untiled
