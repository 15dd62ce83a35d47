// What is missing, cut, foreign or hostile, and disks that are full.
#include <sys/stat.h>

#include <functional>

#include "lib/codecs/codecs.h"
#include "lib/core/atomic_file.h"
#include "lib/core/atomic_folder.h"
#include "lib/zarr/ome_image_writer.h"
#include "lib/zarr/ome_reader.h"
#include "tests/catch.h"
#include "tests/core/file_size_limit.h"
#include "tests/core/temporary_folder.h"
#include "tests/zarr/arrays.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

std::string data_error(const std::function<void()>& work) {
  try {
    work();
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

/// An array of 3 x 3 chunks of noise, in one shard if need be.
ArrayMetadata write_array(const fs::path& folder, const std::string& codec, bool sharded) {
  ArrayMetadata array;
  array.shape = {48, 48};
  array.chunk = {16, 16};
  if (sharded) array.shard = {48, 48};
  if (!codec.empty()) array.codecs = {make_codec(codec)};
  ArrayWriter writer(folder, array);
  for_each_index(chunk_grid(array), [&](const ChunkIndex& chunk) {
    writer.write_chunk(chunk, span_of(pattern_chunk(array, chunk)));
  });
  writer.finish();
  return array;
}

void replace(const fs::path& file, const std::string& from, const std::string& to) {
  std::string text = read_file(file);
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  write_file(file, text.replace(at, from.size(), to));
}

std::string read_error(const fs::path& folder, const ChunkIndex& chunk = {1, 1}) {
  return data_error([&] { ArrayReader(folder).read_chunk(chunk); });
}

}  // namespace

TEST_CASE("a cut chunk, a longer one and a foreign one are refused with the file's name") {
  for (const std::string codec : {"", "zstd", "gzip", "blosc", "crc32c"}) {
    const TemporaryFolder folder;
    write_array(folder / "a", codec, false);
    const fs::path file = folder / "a" / "c" / "1" / "1";
    const std::string whole = read_file(file);
    for (const std::string& content : {std::string(), whole.substr(0, whole.size() / 2),
                                       whole + whole, std::string(5000, 'x')}) {
      INFO(codec << ": " << content.size() << " bytes of " << whole.size());
      write_file(file, content);
      CHECK_THAT(read_error(folder / "a"), contains_text("c/1/1 is damaged"));
    }
    CHECK(ArrayReader(folder / "a").read_chunk({0, 0}));
    fs::remove(file);
    CHECK_FALSE(ArrayReader(folder / "a").read_chunk({1, 1}));
    fs::create_directory(file);
    CHECK_THAT(read_error(folder / "a"), contains_text("it is a folder where a file belongs"));
    fs::remove(file);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK_THAT(read_error(folder / "a"), contains_text("it is no file"));
  }
}

TEST_CASE("a shard's index with a wrong sum, beyond its file or cut off is refused") {
  const TemporaryFolder folder;
  write_array(folder / "a", "zstd", true);
  const fs::path file = folder / "a" / "c" / "0" / "0";
  const std::string whole = read_file(file);
  std::string bytes = whole;
  bytes[bytes.size() - 20] = static_cast<char>(bytes[bytes.size() - 20] ^ 1);
  write_file(file, bytes);
  CHECK_THAT(read_error(folder / "a"), contains_text("crc32c of its index"));
  write_file(file, whole.substr(300));
  CHECK_THAT(read_error(folder / "a", {2, 2}), contains_text("beyond the file's end"));
  write_file(file, whole.substr(whole.size() - 50));
  CHECK_THAT(read_error(folder / "a"), contains_text("fewer than its index"));
  bytes = whole;
  bytes[5] = static_cast<char>(bytes[5] ^ 0x55);
  write_file(file, bytes);
  CHECK_THAT(read_error(folder / "a", {0, 0}), contains_text("damaged"));
  fs::remove(file);
  CHECK_FALSE(ArrayReader(folder / "a").read_chunk({0, 0}));
}

TEST_CASE("what is not read of an array is refused with what was found") {
  const TemporaryFolder folder;
  write_array(folder / "a", "zstd", false);
  const std::string whole = read_file(folder / "a" / "zarr.json");
  const std::vector<std::array<std::string, 3>> changes = {
      {"\"uint8\"", "\"complex64\"", "complex64"},
      {"\"zstd\"", "\"pcodec\"", "pcodec"},
      {"\"bytes\"", "\"vlen-utf8\"", "vlen-utf8"},
      {"\"regular\"", "\"rectilinear\"", "rectilinear"},
      {"\"default\"", "\"hashed\"", "hashed"},
      {"\"separator\": \"/\"", "\"separator\": \"..\"", ".."},
      {"\"zarr_format\": 3", "\"zarr_format\": 4", "4"},
      {"\"array\"", "\"grid\"", "grid"},
      {"\"fill_value\": 0", "\"fill_value\": 256", "256"},
      {"\"fill_value\": 0", "\"fill_value\": \"NaN\"", "NaN"},
      {"\"fill_value\": 0", "\"fill_value\": 0, \"extra\": {}", "extra"},
      {"\"shape\"", "\"storage_transformers\": [1], \"shape\"", "[1]"},
      {"      16,\n", "      17179869184,\n", "17179869184"},
      {"      16,\n", "      0,\n", "0"},
      {"      16,\n", "", "its chunks 1"},
      {"    48,\n", "    -48,\n", "-48"},
      {"    48,\n", "    4.5,\n", "4.5"},
  };
  for (const auto& [from, to, found] : changes) {
    INFO(to);
    write_file(folder / "a" / "zarr.json", whole);
    replace(folder / "a" / "zarr.json", from, to);
    CHECK_THAT(data_error([&] { ArrayReader{folder / "a"}; }),
               contains_text("zarr.json") && contains_text(found));
  }
}

TEST_CASE("metadata that nest without end, are huge, cut or no JSON are refused") {
  const TemporaryFolder folder;
  write_array(folder / "a", "", false);
  const fs::path file = folder / "a" / "zarr.json";
  const std::string whole = read_file(file);
  for (const std::string& text :
       {std::string(100'000, '['), std::string(100'000, '{'), whole.substr(0, whole.size() / 2),
        std::string("\xFF\xFE"), std::string(), std::string("null"), std::string("[]"),
        "{\"shape\":" + std::string(70, '[') + std::string(70, ']') + "}"}) {
    write_file(file, text);
    CHECK_THAT(data_error([&] { ArrayReader{folder / "a"}; }), contains_text("zarr.json"));
  }
  fs::remove(file);
  CHECK_THAT(data_error([&] { ArrayReader{folder / "a"}; }), contains_text("is missing"));
  fs::create_directory(file);
  CHECK_THAT(data_error([&] { ArrayReader{folder / "a"}; }), contains_text("it is a folder"));
}

TEST_CASE("names of levels that lead out of the folder are refused") {
  for (const char* name : {"..", "../a", "/etc", "0/../../b", "", ".", "a//b/..", "..\\a"}) {
    CHECK_FALSE(stays_inside(name));
  }
  CHECK_FALSE(stays_inside(std::string("a\0b", 3)));
  for (const char* name : {"0", "a/b", "..a", "scale0/image"}) CHECK(stays_inside(name));
  const TemporaryFolder folder;
  OmeZarrImage image;
  image.extent = {10, 10};
  image.tile = 16;
  OmeImageWriter writer(folder / "a", image);
  writer.write_tile({{0, 10}, {0, 10}}, Bytes(300).data(), 30);
  writer.finish();
  replace(folder / "a" / "zarr.json", "\"path\": \"0\"", "\"path\": \"../b\"");
  CHECK_THAT(data_error([&] { find_images(folder / "a"); }), contains_text("../b"));
}

TEST_CASE("a full disk is one clear error and leaves nothing of a folder") {
  const auto write = [](const fs::path& path, bool sharded) {
    OmeZarrImage image;
    image.extent = {200, 200};
    image.tile = 64;
    image.shard = sharded ? 128 : 0;
    AtomicFolder folder(path);
    OmeImageWriter writer(folder.path(), image);
    const Bytes pixels(200 * 200 * 3, 7);
    for (const Region& tile : writer.tiles()) {
      writer.write_tile(tile, pixels.data(), int64_t{200} * 3);
    }
    writer.finish();
    folder.commit();
  };
  for (const bool sharded : {false, true}) {
    const TemporaryFolder folder;
    for (const rlim_t limit : {rlim_t{0}, rlim_t{100}, rlim_t{1000}, rlim_t{12'000}}) {
      const FileSizeLimit full(limit);
      CHECK_THAT(data_error([&] { write(folder / "a.zarr", sharded); }),
                 contains_text("no space left"));
      CHECK(fs::is_empty(folder.path()));
    }
    write(folder / "a.zarr", sharded);
    CHECK(fs::exists(folder / "a.zarr" / "zarr.json"));
  }
}

}  // namespace untiled
