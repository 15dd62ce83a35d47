#include <algorithm>
#include <map>
#include <random>

#include "lib/codecs/codecs.h"
#include "lib/core/atomic_file.h"
#include "lib/core/parallel.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/zarr/arrays.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

std::vector<ChunkIndex> chunks_of(const ArrayMetadata& array) {
  std::vector<ChunkIndex> chunks;
  for_each_index(chunk_grid(array), [&](const ChunkIndex& index) { chunks.push_back(index); });
  return chunks;
}

void write_pattern(const fs::path& folder, const ArrayMetadata& array,
                   std::vector<ChunkIndex> chunks, int threads) {
  ArrayWriter writer(folder, array);
  parallel_for(chunks.size(), threads, [&](size_t i) {
    const Bytes bytes = pattern_chunk(array, chunks[i]);
    writer.write_chunk(chunks[i], span_of(bytes));
  });
  writer.finish();
}

std::map<std::string, std::string> files_under(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
    }
  }
  return files;
}

ArrayMetadata small_array() {
  ArrayMetadata array;
  array.shape = {3, 50, 70};
  array.chunk = {3, 16, 16};
  array.order = {1, 2, 0};
  return array;
}

/// Arrays of all kinds that are written, by chance.
ArrayMetadata random_array(std::mt19937& random) {
  static const std::vector<DataType> types = {DataType::kUint8, DataType::kUint16,
                                              DataType::kFloat32, DataType::kInt64};
  ArrayMetadata array;
  array.format = random() % 3 == 0 ? ZarrFormat::kV2 : ZarrFormat::kV3;
  array.prefixed = array.format == ZarrFormat::kV3 && random() % 4 != 0;
  array.separator = random() % 2 == 0 ? '/' : '.';
  array.type = types[random() % types.size()];
  const size_t rank = 1 + random() % 4;
  for (size_t d = 0; d < rank; ++d) {
    array.shape.push_back(1 + random() % 20);
    array.chunk.push_back(1 + random() % 8);
    array.order.push_back(static_cast<int>(d));
  }
  std::shuffle(array.order.begin(), array.order.end(), random);
  const bool is_v3 = array.format == ZarrFormat::kV3;
  if (!is_v3 || random() % 2 == 0) array.order.clear();
  if (is_v3 && random() % 2 == 0) {
    for (const int64_t side : array.chunk) array.shard.push_back(side * (1 + random() % 3));
  }
  const std::vector<std::string> names = {"zstd", "gzip", is_v3 ? "blosc" : "zlib"};
  if (random() % 3 != 0) array.codecs.push_back(make_codec(names[random() % names.size()]));
  if (is_v3 && random() % 3 == 0) array.codecs.push_back(make_codec("crc32c"));
  return array;
}

void require_same(const ArrayMetadata& a, const ArrayMetadata& b) {
  REQUIRE(to_json_text(a) == to_json_text(b));
  REQUIRE(byte_strides(a) == byte_strides(b));
}

}  // namespace

TEST_CASE("what is written is read back, whatever the format, type, chunks, order and codecs") {
  std::mt19937 random(1);
  for (int turn = 0; turn < 150; ++turn) {
    const TemporaryFolder folder;
    const ArrayMetadata array = random_array(random);
    INFO(to_json_text(array));
    write_pattern(folder / "a", array, chunks_of(array), 1);
    const ArrayReader reader(folder / "a");
    require_same(reader.metadata(), array);
    for (const ChunkIndex& chunk : chunks_of(array)) {
      REQUIRE(reader.read_chunk(chunk) == pattern_chunk(array, chunk));
    }
  }
}

TEST_CASE("the bytes of all files are the same whatever the order of chunks and the threads") {
  ArrayMetadata array = small_array();
  array.shard = {3, 32, 64};
  array.codecs = {make_codec("zstd")};
  const TemporaryFolder folder;
  std::vector<ChunkIndex> chunks = chunks_of(array);
  write_pattern(folder / "a", array, chunks, 1);
  std::reverse(chunks.begin(), chunks.end());
  write_pattern(folder / "b", array, chunks, 1);
  std::shuffle(chunks.begin(), chunks.end(), std::mt19937(3));
  write_pattern(folder / "c", array, chunks, 4);
  CHECK(files_under(folder / "a") == files_under(folder / "b"));
  CHECK(files_under(folder / "a") == files_under(folder / "c"));
  CHECK(files_under(folder / "a").size() == 5);
}

TEST_CASE("a chunk of the plain layout is the tile's own bytes in a file of its own") {
  ArrayMetadata array;
  array.shape = {40, 30, 3};
  array.chunk = {32, 32, 3};
  const TemporaryFolder folder;
  write_pattern(folder / "a", array, chunks_of(array), 1);
  const auto files = files_under(folder / "a");
  CHECK(files.size() == 3);
  CHECK(files.contains("c/1/0/0"));
  const Bytes chunk = pattern_chunk(array, {1, 0, 0});
  CHECK(files.at("c/1/0/0") == std::string(chunk.begin(), chunk.end()));
}

TEST_CASE("writing past the page cache gives the same files") {
  ArrayMetadata array;
  array.shape = {128, 64};
  array.chunk = {64, 64};
  const TemporaryFolder folder;
  write_pattern(folder / "a", array, chunks_of(array), 1);
  ArrayWriter writer(folder / "b", array, {.direct_io = true});
  for (const ChunkIndex& chunk : chunks_of(array)) {
    writer.write_chunk(chunk, span_of(pattern_chunk(array, chunk)));
  }
  writer.finish();
  CHECK(files_under(folder / "a") == files_under(folder / "b"));
}

TEST_CASE("chunks that are written part by part are the same files") {
  const ArrayMetadata array = small_array();
  const TemporaryFolder folder;
  write_pattern(folder / "a", array, chunks_of(array), 1);
  ArrayWriter writer(folder / "b", array);
  REQUIRE(writer.takes_parts());
  for (const ChunkIndex& chunk : chunks_of(array)) {
    const Bytes bytes = pattern_chunk(array, chunk);
    for (size_t at = 0; at < bytes.size(); at += 100) {
      const size_t size = std::min<size_t>(100, bytes.size() - at);
      writer.write_part_of_chunk(chunk, at, span_of(bytes).subspan(at, size));
    }
  }
  writer.finish();
  CHECK(files_under(folder / "a") == files_under(folder / "b"));
  CHECK_THROWS_AS(writer.write_part_of_chunk({0, 0, 0}, chunk_bytes(array), span_of(Bytes(1))),
                  InternalError);
}

TEST_CASE("chunks whose files are not their bytes are not written part by part") {
  ArrayMetadata sharded = small_array();
  sharded.shard = {3, 32, 32};
  ArrayMetadata packed = small_array();
  packed.codecs = {make_codec("zstd")};
  const TemporaryFolder folder;
  for (const ArrayMetadata& array : {sharded, packed}) {
    ArrayWriter writer(folder / "a", array);
    CHECK_FALSE(writer.takes_parts());
    CHECK_THROWS_AS(writer.write_part_of_chunk({0, 0, 0}, 0, span_of(Bytes(1))), InternalError);
  }
  CHECK_FALSE(ArrayWriter(folder / "a", small_array(), {.direct_io = true}).takes_parts());
  CHECK_FALSE(ArrayWriter(folder / "a", small_array(), {.skip_fill = true}).takes_parts());
}

TEST_CASE("chunks of nothing but the fill value may get no file, and are missing when read") {
  for (const bool sharded : {false, true}) {
    ArrayMetadata array;
    array.shape = {64, 64};
    array.chunk = {16, 16};
    if (sharded) array.shard = {32, 32};
    array.fill = {9};
    const TemporaryFolder folder;
    ArrayWriter writer(folder / "a", array, {.skip_fill = true});
    for (const ChunkIndex& chunk : chunks_of(array)) {
      Bytes bytes(256, 9);
      if (chunk == ChunkIndex{1, 1}) bytes[255] = 8;
      writer.write_chunk(chunk, span_of(bytes));
    }
    writer.finish();
    CHECK(files_under(folder / "a").size() == 2);
    const ArrayReader reader(folder / "a");
    CHECK(reader.metadata().fill == std::vector<uint8_t>{9});
    CHECK(reader.read_chunk({1, 1}).value().back() == 8);
    CHECK_FALSE(reader.read_chunk({0, 0}));
    CHECK_FALSE(reader.read_chunk({3, 3}));
  }
}

TEST_CASE("shards of which chunks were left out are complete after finish") {
  ArrayMetadata array = small_array();
  array.shard = {3, 32, 32};
  const TemporaryFolder folder;
  {
    ArrayWriter writer(folder / "a", array);
    writer.write_chunk({0, 1, 1}, span_of(pattern_chunk(array, {0, 1, 1})));
    writer.write_chunk({0, 0, 1}, span_of(pattern_chunk(array, {0, 0, 1})));
    writer.finish();
  }
  const ArrayReader reader(folder / "a");
  CHECK(reader.read_chunk({0, 1, 1}) == pattern_chunk(array, {0, 1, 1}));
  CHECK(reader.read_chunk({0, 0, 1}) == pattern_chunk(array, {0, 0, 1}));
  CHECK_FALSE(reader.read_chunk({0, 0, 0}));
  CHECK_FALSE(reader.read_chunk({0, 2, 2}));
}

TEST_CASE("what a format of Zarr does not have is refused") {
  const TemporaryFolder folder;
  const auto message = [&](const ArrayMetadata& array) -> std::string {
    try {
      const ArrayWriter writer(folder / "a", array);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  ArrayMetadata array = small_array();
  array.format = ZarrFormat::kV2;
  CHECK_THAT(message(array), contains_text("transpose"));
  array.order.clear();
  array.shard = {3, 32, 32};
  CHECK_THAT(message(array), contains_text("shards"));
  array = small_array();
  array.shard = {3, 40, 32};
  CHECK_THAT(message(array), contains_text("[3, 40, 32]"));
  array = small_array();
  array.order = {1, 1, 0};
  CHECK_THAT(message(array), contains_text("[1, 1, 0]"));
  array = small_array();
  array.codecs = {make_codec("zlib")};
  CHECK_THAT(message(array), contains_text("zlib"));
}

}  // namespace untiled
