// Metadata, shards and chunks changed at random: an error or bytes, never a crash.
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "lib/codecs/codecs.h"
#include "lib/core/atomic_file.h"
#include "lib/zarr/ome_image_writer.h"
#include "lib/zarr/ome_reader.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/zarr/arrays.h"

namespace untiled {
namespace {

/// A few bytes changed, left out or doubled, or a piece put in that means something to JSON.
std::string mutated(std::string text, std::mt19937& random) {
  static const std::vector<std::string> pieces = {"{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ",",
                                                  ":",
                                                  "\"",
                                                  "\\",
                                                  "null",
                                                  "-1",
                                                  "1e999",
                                                  "9223372036854775808",
                                                  "18446744073709551615",
                                                  "0",
                                                  "\"..\"",
                                                  "\"name\"",
                                                  "true",
                                                  "\xFF",
                                                  "1099511627776",
                                                  "[[[["};
  for (unsigned i = random() % 3 + 1; i > 0 && !text.empty(); --i) {
    const size_t at = random() % text.size();
    switch (random() % 4) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, random() % 12 + 1);
        break;
      case 2:
        text.insert(at, text.substr(random() % text.size(), random() % 20));
        break;
      default:
        text.replace(at, random() % 3, pieces[random() % pieces.size()]);
    }
  }
  return text;
}

/// Numbers replaced by others, so that most of the document stays sound.
std::string with_other_number(std::string text, std::mt19937& random) {
  static const std::vector<std::string> numbers = {
      "0",     "1",   "-1",  "2", "3", "7", "65536", "2147483648", "1099511627776",
      "1e300", "0.5", "null"};
  std::vector<size_t> digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] >= '0' && text[i] <= '9') digits.push_back(i);
  }
  const size_t at = digits[random() % digits.size()];
  size_t end = at;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  return text.replace(at, end - at, numbers[random() % numbers.size()]);
}

ArrayMetadata sharded_array(ZarrFormat format) {
  ArrayMetadata array;
  array.format = format;
  array.prefixed = format == ZarrFormat::kV3;
  array.shape = {3, 40, 40};
  array.chunk = {3, 8, 8};
  if (format == ZarrFormat::kV3) {
    array.order = {1, 2, 0};
    array.shard = {3, 16, 16};
    array.dimension_names = {"c", "y", "x"};
  }
  array.codecs = {make_codec("zstd")};
  return array;
}

}  // namespace

/// Sanitizers take some twenty times as long.
constexpr int mutations(int count) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return count / 20;
#else
  return count;
#endif
}

TEST_CASE("mutated metadata are refused or understood") {
  std::mt19937 random(21);
  for (const ZarrFormat format : {ZarrFormat::kV3, ZarrFormat::kV2}) {
    const std::string text = to_json_text(sharded_array(format));
    int understood = 0;
    for (int turn = 0; turn < mutations(25'000); ++turn) {
      const std::string other =
          turn % 2 == 0 ? mutated(text, random) : with_other_number(text, random);
      try {
        const ArrayMetadata array = parse_array(other, format);
        REQUIRE(chunk_bytes(array) <= kMostChunkBytes);
        REQUIRE(chunk_grid(array).size() == byte_strides(array).size());
        ++understood;
      } catch (const DataError&) {
        continue;
      }
    }
    CHECK(understood > mutations(100));
  }
}

TEST_CASE("mutated attributes of an image are refused or understood") {
  const TemporaryFolder folder;
  std::mt19937 random(22);
  for (const OmeVersion version : {OmeVersion::k05, OmeVersion::k04}) {
    const auto path = folder / to_string(version);
    OmeZarrImage image;
    image.extent = {40, 40};
    image.tile = 16;
    image.version = version;
    image.shown = rgb_channels();
    image.mpp_x = image.mpp_y = 0.5;
    OmeImageWriter writer(path, image);
    const Bytes pixels(40 * 40 * 3, 1);
    for (const Region& tile : writer.tiles()) writer.write_tile(tile, pixels.data(), 120);
    writer.finish();
    const auto file = path / (version == OmeVersion::k05 ? "zarr.json" : ".zattrs");
    const std::string text = read_file(file);
    int understood = 0;
    for (int turn = 0; turn < mutations(1500); ++turn) {
      std::ofstream(file) << (turn % 2 == 0 ? mutated(text, random)
                                            : with_other_number(text, random));
      try {
        const std::vector<OmeSource> images = find_images(path);
        for (const auto& level : images.front().levels) {
          REQUIRE(level.string().starts_with(path.string() + "/"));
        }
        ++understood;
      } catch (const DataError&) {
        continue;
      }
    }
    CHECK(understood > mutations(100));
  }
}

TEST_CASE("mutated shards and chunks are refused or give a whole chunk") {
  const TemporaryFolder folder;
  std::mt19937 random(23);
  const ArrayMetadata array = sharded_array(ZarrFormat::kV3);
  ArrayMetadata unsummed = array;
  unsummed.index_has_sum = false;
  for (const ArrayMetadata& kind : {array, unsummed}) {
    ArrayWriter writer(folder / "a", array);
    for_each_index(chunk_grid(array), [&](const ChunkIndex& chunk) {
      writer.write_chunk(chunk, span_of(pattern_chunk(array, chunk)));
    });
    writer.finish();
    const auto shard = folder / "a" / "c" / "0" / "0" / "0";
    std::string whole = read_file(shard);
    if (!kind.index_has_sum) {
      whole.resize(whole.size() - 4);
      auto metadata = nlohmann::json::parse(read_file(folder / "a" / "zarr.json"));
      metadata["codecs"][0]["configuration"]["index_codecs"].erase(1);
      write_file(folder / "a" / "zarr.json", metadata.dump());
    }
    int read = 0;
    for (int turn = 0; turn < mutations(4000); ++turn) {
      std::string bytes = whole;
      for (unsigned i = random() % 3 + 1; i > 0; --i) {
        const size_t reach = random() % 2 == 0 ? 70 : bytes.size();  // The index lies last.
        bytes[bytes.size() - 1 - random() % reach] = static_cast<char>(random());
      }
      if (random() % 8 == 0) bytes.resize(random() % bytes.size());
      std::ofstream(shard, std::ios::binary) << bytes;
      const ArrayReader reader(folder / "a");
      for (int64_t i = 0; i < 4; ++i) {
        try {
          const auto chunk = reader.read_chunk({0, i / 2, i % 2});
          REQUIRE((!chunk || chunk->size() == chunk_bytes(array)));
          ++read;
        } catch (const DataError&) {
          continue;
        }
      }
    }
    CHECK(read > 100);
  }
}

}  // namespace untiled
