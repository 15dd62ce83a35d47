// zarr_samples FOLDER: arrays and images of a known pattern, for readers that judge our files.
#include <cstdio>
#include <exception>
#include <functional>

#include "lib/codecs/codecs.h"
#include "lib/zarr/array_writer.h"
#include "lib/zarr/ome_image_writer.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr Extent kExtent = {301, 205};

/// The same formula stands in check_zarr.py.
int pattern(int64_t y, int64_t x, int64_t c) {
  return static_cast<int>((y * 7 + x * 13 + c * 101 + y * x / 5) % 251);
}

/// Interleaved elements of the whole image.
template <typename T>
std::vector<T> pixels_of(int channels, const std::function<T(int)>& element) {
  std::vector<T> pixels;
  for (int64_t y = 0; y < kExtent.rows; ++y) {
    for (int64_t x = 0; x < kExtent.cols; ++x) {
      for (int c = 0; c < channels; ++c) pixels.push_back(element(pattern(y, x, c)));
    }
  }
  return pixels;
}

template <typename T>
void write_image(const fs::path& folder, const OmeZarrImage& image, const std::vector<T>& pixels) {
  OmeImageWriter writer(folder, image);
  const auto pixel_bytes = static_cast<int64_t>(sizeof(T)) * image.channels;
  for (const Region& tile : writer.tiles()) {
    const int64_t first = tile.rows.begin * kExtent.cols + tile.cols.begin;
    writer.write_tile(tile, pixels.data() + first * image.channels, kExtent.cols * pixel_bytes);
  }
  writer.finish();
}

OmeZarrImage rgb_image() {
  OmeZarrImage image;
  image.name = "pattern";
  image.extent = kExtent;
  image.tile = 64;
  image.mpp_x = image.mpp_y = 0.5;
  image.shown = rgb_channels();
  image.codecs = {make_codec("zstd")};
  return image;
}

void write_rgb_images(const fs::path& folder) {
  const auto rgb = pixels_of<uint8_t>(3, [](int v) { return static_cast<uint8_t>(v); });
  OmeZarrImage image = rgb_image();
  write_image(folder / "interleaved.ome.zarr", image, rgb);
  image.shard = 128;
  write_image(folder / "shards.ome.zarr", image, rgb);
  image.planar = true;
  write_image(folder / "planar_shards.ome.zarr", image, rgb);
  image.shard = 0;
  image.codecs = {make_codec("gzip"), make_codec("crc32c")};
  write_image(folder / "planar.ome.zarr", image, rgb);
  image.codecs = {make_codec("blosc")};
  write_image(folder / "blosc.ome.zarr", image, rgb);
  image.codecs.clear();
  image.planar = false;
  image.mpp_x.reset();
  write_image(folder / "raw.ome.zarr", image, rgb);
  image = rgb_image();
  image.version = OmeVersion::k04;
  image.codecs = {make_codec("zlib")};
  write_image(folder / "v04.ome.zarr", image, rgb);
}

void write_floats(const fs::path& folder) {
  OmeZarrImage image = rgb_image();
  image.type = DataType::kFloat32;
  image.shown.clear();
  const auto floats = pixels_of<float>(3, [](int v) { return static_cast<float>(v) / 7; });
  write_image(folder / "floats.ome.zarr", image, floats);
  image.channels = 1;
  image.shard = 128;
  write_image(folder / "one_float.ome.zarr", image,
              pixels_of<float>(1, [](int v) { return static_cast<float>(v) / 7; }));
}

void write_labels(const fs::path& image_folder, OmeVersion version) {
  OmeZarrImage image = rgb_image();
  image.channels = 1;
  image.pyramid = PyramidKind::kMode;
  image.version = version;
  image.shown.clear();
  if (version == OmeVersion::k04) image.codecs = {make_codec("zlib")};
  image.labels =
      OmeLabels{{{0, {0, 0, 0, 0}, "background"}, {2, {0, 200, 0, 255}, "tissue"}}, true};
  const auto labels = pixels_of<uint8_t>(1, [](int v) { return static_cast<uint8_t>(v % 3); });
  write_image(image_folder / "labels" / "tissue", image, labels);
  write_labels_group(image_folder / "labels", version, {"tissue"});
}

/// As NVIDIA's example has it: (y, x, c), one uncompressed chunk a file.
void write_plain(const fs::path& folder) {
  const auto rgb = pixels_of<uint8_t>(3, [](int v) { return static_cast<uint8_t>(v); });
  ArrayMetadata array;
  array.shape = {kExtent.rows, kExtent.cols, 3};
  array.chunk = {64, 64, 3};
  ArrayWriter writer(folder / "plain.zarr", array, {.direct_io = true});
  for (const Region& tile : tile_grid(kExtent, {64, 64})) {
    std::vector<uint8_t> chunk(static_cast<size_t>(64 * 64 * 3), 0);
    for (int64_t y = 0; y < tile.rows.size(); ++y) {
      const auto* const from =
          rgb.data() + ((tile.rows.begin + y) * kExtent.cols + tile.cols.begin) * 3;
      std::copy_n(from, tile.cols.size() * 3, chunk.data() + y * 64 * 3);
    }
    writer.write_chunk({tile.rows.begin / 64, tile.cols.begin / 64, 0}, chunk);
  }
  writer.finish();
}

}  // namespace
}  // namespace untiled

int main(int count, char** arguments) {
  if (count != 2) return 2;
  try {
    const std::filesystem::path folder = arguments[1];
    untiled::write_rgb_images(folder);
    untiled::write_floats(folder);
    untiled::write_labels(folder / "shards.ome.zarr", untiled::OmeVersion::k05);
    untiled::write_labels(folder / "v04.ome.zarr", untiled::OmeVersion::k04);
    untiled::write_plain(folder);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  }
  return 0;
}
