#include <algorithm>
#include <map>
#include <random>

#include "lib/codecs/codecs.h"
#include "lib/core/atomic_file.h"
#include "lib/core/atomic_folder.h"
#include "lib/core/parallel.h"
#include "lib/zarr/ome_image_writer.h"
#include "lib/zarr/ome_reader.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/zarr/arrays.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

/// Elements of an image one by one: the plainest way.
template <typename T>
struct Pixels {
  Extent extent;
  int channels;
  std::vector<T> values;

  T at(int64_t y, int64_t x, int c) const {
    return values[static_cast<size_t>((y * extent.cols + x) * channels + c)];
  }
};

template <typename T>
Pixels<T> random_pixels(const Extent& extent, int channels, int values, uint32_t seed) {
  Pixels<T> pixels{extent, channels, {}};
  std::mt19937 random(seed);
  for (int64_t i = 0; i < extent.area() * channels; ++i) {
    pixels.values.push_back(static_cast<T>(random() % static_cast<unsigned>(values)));
  }
  return pixels;
}

uint8_t mean_of(const std::array<uint8_t, 4>& four) {
  return static_cast<uint8_t>((four[0] + four[1] + four[2] + four[3] + 2) / 4);
}

float mean_of(const std::array<float, 4>& four) {
  return ((four[0] + four[1]) + (four[2] + four[3])) / 4;
}

/// Counts; of those that occur most often the one that is met first.
template <typename T>
T mode_of(const std::array<T, 4>& four) {
  const auto count = [&](T value) { return std::count(four.begin(), four.end(), value); };
  T best = four[0];
  for (const T value : four) {
    if (count(value) > count(best)) best = value;
  }
  return best;
}

template <typename T>
Pixels<T> reduced(const Pixels<T>& from, PyramidKind kind) {
  Pixels<T> to{{(from.extent.rows + 1) / 2, (from.extent.cols + 1) / 2}, from.channels, {}};
  for (int64_t y = 0; y < to.extent.rows; ++y) {
    for (int64_t x = 0; x < to.extent.cols; ++x) {
      const int64_t below = std::min(2 * y + 1, from.extent.rows - 1);
      const int64_t right = std::min(2 * x + 1, from.extent.cols - 1);
      for (int c = 0; c < from.channels; ++c) {
        const std::array<T, 4> four = {from.at(2 * y, 2 * x, c), from.at(2 * y, right, c),
                                       from.at(below, 2 * x, c), from.at(below, right, c)};
        if constexpr (std::is_same_v<T, uint16_t>) {
          to.values.push_back(mode_of(four));
        } else {
          to.values.push_back(kind == PyramidKind::kMode ? mode_of(four) : mean_of(four));
        }
      }
    }
  }
  return to;
}

/// An array (c, y, x) as interleaved elements; missing chunks are its fill value.
template <typename T>
Pixels<T> read_level(const fs::path& folder) {
  const ArrayReader reader(folder);
  const ArrayMetadata& array = reader.metadata();
  REQUIRE(bytes_of(array.type) == sizeof(T));
  Pixels<T> pixels{{array.shape[1], array.shape[2]}, static_cast<int>(array.shape[0]), {}};
  pixels.values.resize(static_cast<size_t>(pixels.extent.area() * pixels.channels));
  const std::vector<int64_t> strides = byte_strides(array);
  for_each_index(array.shape, [&](const std::vector<int64_t>& at) {
    ChunkIndex chunk;
    int64_t offset = 0;
    for (size_t d = 0; d < at.size(); ++d) {
      chunk.push_back(at[d] / array.chunk[d]);
      offset += at[d] % array.chunk[d] * strides[d];
    }
    static thread_local std::map<std::string, std::optional<Bytes>> chunks;
    const std::string key = (folder / file_key(array, chunk)).string();
    if (!chunks.contains(key)) chunks[key] = reader.read_chunk(chunk);
    T value{};
    if (chunks[key]) std::memcpy(&value, chunks[key]->data() + offset, sizeof value);
    pixels.values[static_cast<size_t>((at[1] * pixels.extent.cols + at[2]) * pixels.channels +
                                      at[0])] = value;
  });
  return pixels;
}

template <typename T>
void write_image(const fs::path& folder, const OmeZarrImage& image, const Pixels<T>& pixels,
                 int threads, bool shuffled = false) {
  OmeImageWriter writer(folder, image);
  std::vector<Region> tiles = writer.tiles();
  if (shuffled) std::shuffle(tiles.begin(), tiles.end(), std::mt19937(9));
  const int64_t row_bytes = image.extent.cols * image.channels * static_cast<int64_t>(sizeof(T));
  parallel_for(tiles.size(), threads, [&](size_t i) {
    const auto* const base = reinterpret_cast<const uint8_t*>(pixels.values.data());
    const int64_t offset = tiles[i].rows.begin * row_bytes +
                           tiles[i].cols.begin * image.channels * static_cast<int64_t>(sizeof(T));
    writer.write_tile(tiles[i], base + offset, row_bytes);
  });
  writer.finish();
}

template <typename T>
void check_pyramid(const OmeZarrImage& image, const Pixels<T>& pixels) {
  const TemporaryFolder folder;
  write_image(folder / "a", image, pixels, 2);
  const OmeSource source = find_images(folder / "a").front();
  Pixels<T> expected = pixels;
  for (const fs::path& level : source.levels) {
    const Pixels<T> found = read_level<T>(level);
    REQUIRE(found.extent == expected.extent);
    REQUIRE(found.values == expected.values);
    expected = reduced(expected, image.pyramid);
  }
}

OmeZarrImage small_image(const Extent& extent, int channels, DataType type, PyramidKind kind) {
  OmeZarrImage image;
  image.extent = extent;
  image.channels = channels;
  image.type = type;
  image.pyramid = kind;
  image.tile = 16;
  image.codecs = {make_codec("zstd")};
  return image;
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

}  // namespace

TEST_CASE("every level is the plain reduction of the one before, at odd sizes and down to 1 x 1") {
  const std::vector<Extent> extents = {{1, 1}, {1, 40}, {33, 17}, {64, 64}, {65, 47}, {100, 3}};
  for (const Extent& extent : extents) {
    INFO(to_string(extent));
    for (const int channels : {1, 3, 4}) {
      check_pyramid(small_image(extent, channels, DataType::kUint8, PyramidKind::kMean),
                    random_pixels<uint8_t>(extent, channels, 256, 1));
      check_pyramid(small_image(extent, channels, DataType::kUint8, PyramidKind::kMode),
                    random_pixels<uint8_t>(extent, channels, 3, 2));
      check_pyramid(small_image(extent, channels, DataType::kFloat32, PyramidKind::kMean),
                    random_pixels<float>(extent, channels, 1000, 3));
    }
    check_pyramid(small_image(extent, 1, DataType::kUint16, PyramidKind::kMode),
                  random_pixels<uint16_t>(extent, 1, 3, 4));
  }
}

TEST_CASE("an image is the same interleaved, planar, in shards and in OME-Zarr 0.4") {
  const Extent extent = {70, 90};
  const auto pixels = random_pixels<uint8_t>(extent, 3, 256, 5);
  OmeZarrImage image = small_image(extent, 3, DataType::kUint8, PyramidKind::kMean);
  check_pyramid(image, pixels);
  image.shard = 32;
  check_pyramid(image, pixels);
  image.planar = true;
  check_pyramid(image, pixels);
  image.shard = 0;
  check_pyramid(image, pixels);
  image.codecs.clear();
  check_pyramid(image, pixels);
  image.version = OmeVersion::k04;
  image.codecs = {make_codec("zlib")};
  check_pyramid(image, pixels);
}

TEST_CASE("an image's files are the same bytes whatever the order of tiles and the threads") {
  const Extent extent = {130, 100};
  const auto pixels = random_pixels<uint8_t>(extent, 3, 256, 6);
  OmeZarrImage image = small_image(extent, 3, DataType::kUint8, PyramidKind::kMean);
  image.shard = 64;
  const TemporaryFolder folder;
  write_image(folder / "a", image, pixels, 1);
  write_image(folder / "b", image, pixels, 4, true);
  CHECK(files_under(folder / "a") == files_under(folder / "b"));
}

TEST_CASE("levels lie where the centres of their pixels are") {
  OmeZarrImage image = small_image({64, 64}, 3, DataType::kUint8, PyramidKind::kMean);
  image.mpp_x = 0.5;
  image.mpp_y = 0.25;
  const TemporaryFolder folder;
  write_image(folder / "a", image, random_pixels<uint8_t>(image.extent, 3, 256, 7), 1);
  const std::string text = read_file(folder / "a" / "zarr.json");
  const OmeSource source = find_images(folder / "a").front();
  REQUIRE(source.metadata.datasets.size() == 3);
  CHECK(source.metadata.datasets[2].scale == std::vector<double>{1, 1, 2});
  CHECK(source.metadata.datasets[2].translation.empty());  // Of no use to slides: not read.
  CHECK_THAT(text, contains_text("0.375") && contains_text("micrometer"));
}

TEST_CASE("tiles that are missing, or are none of the grid, are faults of the caller") {
  const TemporaryFolder folder;
  const OmeZarrImage image = small_image({40, 40}, 3, DataType::kUint8, PyramidKind::kMean);
  OmeImageWriter writer(folder / "a", image);
  const Bytes pixels(40 * 40 * 3);
  CHECK_THROWS_AS(writer.write_tile({{0, 16}, {0, 15}}, pixels.data(), 120), InternalError);
  CHECK_THROWS_AS(writer.write_tile({{8, 24}, {0, 16}}, pixels.data(), 120), InternalError);
  writer.write_tile({{0, 16}, {0, 16}}, pixels.data(), 120);
  CHECK_THROWS_AS(writer.finish(), InternalError);
}

TEST_CASE("a folder appears whole, in place of the one before, or not at all") {
  const TemporaryFolder folder;
  const OmeZarrImage image = small_image({20, 20}, 3, DataType::kUint8, PyramidKind::kMean);
  const auto pixels = random_pixels<uint8_t>(image.extent, 3, 256, 8);
  fs::create_directories(folder / "a.zarr" / "old");
  {
    AtomicFolder target(folder / "a.zarr");
    write_image(target.path(), image, pixels, 1);
    CHECK(fs::exists(folder / "a.zarr" / "old"));
  }
  CHECK(fs::exists(folder / "a.zarr" / "old"));
  {
    AtomicFolder target(folder / "a.zarr");
    write_image(target.path(), image, pixels, 1);
    target.commit();
  }
  CHECK_FALSE(fs::exists(folder / "a.zarr" / "old"));
  CHECK(fs::exists(folder / "a.zarr" / "zarr.json"));
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
  write_file(folder / "file.zarr", "a file");
  CHECK_THROWS_AS(AtomicFolder(folder / "file.zarr"), DataError);
}

}  // namespace untiled
