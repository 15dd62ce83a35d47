// Chunks and shards as files: the first byte says of which array.
#include <fmt/format.h>

#include <array>

#include "lib/core/atomic_file.h"
#include "lib/zarr/array_reader.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

namespace {

constexpr const char* kSharded = R"({{"zarr_format": 3, "node_type": "array", "shape": [3, 20, 20],
  "data_type": "{}", "fill_value": 7, "chunk_grid": {{"name": "regular", "configuration":
  {{"chunk_shape": [3, 16, 16]}}}}, "chunk_key_encoding": {{"name": "default"}}, "codecs":
  [{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [3, 8, 8], "index_location":
  "{}", "index_codecs": [{{"name": "bytes", "configuration": {{"endian": "{}"}}}}{}], "codecs":
  [{{"name": "bytes", "configuration": {{"endian": "big"}}}}, {{"name": "{}"}}]}}}}]}})";

constexpr const char* kPlain = R"({{"zarr_format": 2, "shape": [3, 20, 20], "chunks": [3, 16, 16],
  "dtype": "{}", "fill_value": null, "order": "F", "filters": null, "compressor": {},
  "dimension_separator": "/"}})";

constexpr std::array<const char*, 5> kCodecs = {"zstd", "gzip", "blosc", "crc32c", "zstd"};

std::string sharded(unsigned kind) {
  return fmt::format(fmt::runtime(kSharded), kind % 2 == 0 ? "uint8" : "uint16",
                     kind % 3 == 0 ? "start" : "end", kind % 5 == 0 ? "big" : "little",
                     kind % 7 == 0 ? R"(, {"name": "crc32c"})" : "", kCodecs[kind % 5]);
}

std::string plain(unsigned kind) {
  const char* const compressors[] = {R"({"id": "zlib", "level": 1})", R"({"id": "blosc"})", "null",
                                     R"({"id": "zstd"})"};
  return fmt::format(fmt::runtime(kPlain), kind % 8 < 4 ? "|u1" : ">u2", compressors[kind % 4]);
}

}  // namespace

UNTILED_FUZZ_TARGET({
  if (bytes.empty()) return;
  const unsigned kind = bytes.front() / 2;
  const bool is_v3 = bytes.front() % 2 == 0;
  const auto folder = as_folder() / (is_v3 ? "3" : "2");
  const auto chunk = folder / (is_v3 ? "c/0/0/0" : "0/0/0");
  make_folder(chunk.parent_path());
  put_file(folder / (is_v3 ? "zarr.json" : ".zarray"),
           as_bytes(is_v3 ? sharded(kind) : plain(kind)));
  put_file(chunk, bytes.subspan(1));
  const ArrayReader reader(folder);
  const size_t expected = chunk_bytes(reader.metadata());
  for (int64_t i = 0; i < (is_v3 ? 4 : 1); ++i) {
    refusing([&] {
      const auto read = reader.read_chunk({0, i / 2, i % 2});
      if (read && read->size() != expected) std::abort();
    });
  }
})
