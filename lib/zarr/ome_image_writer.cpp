#include "lib/zarr/ome_image_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <utility>

#include "lib/core/error.h"
#include "lib/core/mapped_memory.h"
#include "lib/zarr/reduce.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLevels = 32;

Extent halved(const Extent& extent) { return {ceil_div(extent.rows, 2), ceil_div(extent.cols, 2)}; }

int level_count(const OmeZarrImage& image) {
  if (image.levels > 0) return image.levels;
  int levels = 1;
  for (Extent e = image.extent; std::max(e.rows, e.cols) > image.tile; e = halved(e)) ++levels;
  return levels;
}

bool is_pyramid_type(const OmeZarrImage& image) {
  const DataType type = image.type;
  if (image.pyramid == PyramidKind::kMean) {
    return type == DataType::kUint8 || type == DataType::kFloat32;
  }
  return type == DataType::kUint8 || type == DataType::kUint16 || type == DataType::kUint32;
}

void require(bool holds, const fs::path& folder, const std::string& reason) {
  if (!holds) throw DataError(fmt::format("{} cannot be written: {}", folder.string(), reason));
}

void require_writable(const fs::path& folder, const OmeZarrImage& image) {
  require(!image.extent.empty() && image.channels > 0, folder, "its image is empty");
  require(image.tile > 0 && image.tile % 2 == 0, folder,
          fmt::format("chunks of {} are not even", image.tile));
  require(image.shard % image.tile == 0, folder,
          fmt::format("shards of {} do not hold whole chunks of {}", image.shard, image.tile));
  require(image.levels >= 0 && image.levels <= kMostLevels, folder,
          fmt::format("{} levels are more than {}", image.levels, kMostLevels));
  require(is_pyramid_type(image), folder,
          fmt::format("no pyramid of {} is made", to_string(image.type)));
}

bool is_planar(const OmeZarrImage& image) {
  return image.planar || image.version == OmeVersion::k04 || image.channels == 1;
}

ArrayMetadata level_array(const OmeZarrImage& image, const Extent& extent) {
  const bool planar = is_planar(image);
  const int64_t channels = planar ? 1 : image.channels;
  ArrayMetadata array;
  array.format = zarr_format(image.version);
  array.shape = {image.channels, extent.rows, extent.cols};
  array.type = image.type;
  array.chunk = {channels, image.tile, image.tile};
  if (image.shard > 0) array.shard = {channels, image.shard, image.shard};
  if (!planar) array.order = {1, 2, 0};
  array.codecs = image.codecs;
  array.prefixed = array.format == ZarrFormat::kV3;
  if (array.format == ZarrFormat::kV3) array.dimension_names = {"c", "y", "x"};
  return array;
}

/// One channel of interleaved pixels, `width` bytes an element.
template <typename T>
void take_channel(const uint8_t* from, int64_t count, int channels, int channel, uint8_t* onto) {
  const T* const elements = reinterpret_cast<const T*>(from) + channel;
  T* const plane = reinterpret_cast<T*>(onto);
  for (int64_t i = 0; i < count; ++i) plane[i] = elements[i * channels];
}

void take_channel(const uint8_t* from, int64_t count, int channels, int channel, size_t width,
                  uint8_t* onto) {
  if (width == 1) return take_channel<uint8_t>(from, count, channels, channel, onto);
  if (width == 2) return take_channel<uint16_t>(from, count, channels, channel, onto);
  take_channel<uint32_t>(from, count, channels, channel, onto);
}

/// From the largest level to the smallest.
std::vector<Extent> level_extents(const OmeZarrImage& image) {
  std::vector<Extent> extents;
  Extent extent = image.extent;
  for (int i = level_count(image); i > 0; --i, extent = halved(extent)) extents.push_back(extent);
  return extents;
}

int64_t pixel_bytes_of(const OmeZarrImage& image) {
  return static_cast<int64_t>(bytes_of(image.type)) * image.channels;
}

}  // namespace

/// One array of the pyramid.
struct OmeImageWriter::Level {
  Level(const fs::path& folder, const OmeZarrImage& image, const Extent& size,
        const ArrayWriterOptions& options)
      : extent(size), array(folder, level_array(image, size), options) {}

  Extent tiles(int64_t tile) const {
    return {ceil_div(extent.rows, tile), ceil_div(extent.cols, tile)};
  }

  Extent extent;
  ArrayWriter array;
  std::atomic<int64_t> written = 0;
  std::mutex mutex;
  std::map<std::pair<int64_t, int64_t>, std::shared_ptr<Parent>> parents;  ///< Not complete yet.
};

/// A tile of a reduced level that waits for its quarters.
struct OmeImageWriter::Parent {
  Parent(const Extent& size, int64_t pixel_bytes)
      : extent(size), pixels(size.area() * pixel_bytes) {}

  Extent extent;
  MappedMemory pixels;
  std::atomic<int> missing;  ///< Quarters.
};

std::vector<OmeZarrChannel> rgb_channels() {
  return {{"Red", {255, 0, 0}}, {"Green", {0, 255, 0}}, {"Blue", {0, 0, 255}}};
}

OmeImageWriter::OmeImageWriter(fs::path folder, OmeZarrImage image,
                               const ArrayWriterOptions& options)
    : folder_(std::move(folder)), image_(std::move(image)) {
  require_writable(folder_, image_);
  pixel_bytes_ = pixel_bytes_of(image_);
  for (const Extent& extent : level_extents(image_)) {
    const fs::path name = std::to_string(levels_.size());
    levels_.push_back(std::make_unique<Level>(folder_ / name, image_, extent, options));
  }
}

OmeImageWriter::~OmeImageWriter() = default;

int64_t OmeImageWriter::held_bytes(const OmeZarrImage& image) {
  const std::vector<Extent> levels = level_extents(image);
  int64_t pixels = 0;
  for (size_t i = 1; i < levels.size(); ++i) {
    pixels += std::min(levels[i].rows, image.tile) * levels[i].cols;
  }
  return pixels * pixel_bytes_of(image);
}

std::vector<Region> OmeImageWriter::tiles() const {
  return tile_grid(image_.extent, {image_.tile, image_.tile});
}

void OmeImageWriter::require_tile(const Region& tile) const {
  const int64_t side = image_.tile;
  const Region expected =
      clip({{tile.rows.begin, tile.rows.begin + side}, {tile.cols.begin, tile.cols.begin + side}},
           image_.extent);
  const bool on_grid = tile.rows.begin % side == 0 && tile.cols.begin % side == 0;
  if (on_grid && !tile.empty() && tile == expected) return;
  throw InternalError(folder_.string() + ": " + to_string(tile) + " is none of its tiles");
}

void OmeImageWriter::write_tile(const Region& tile, const void* pixels, int64_t row_bytes) {
  require_tile(tile);
  int64_t row = tile.rows.begin / image_.tile;
  int64_t col = tile.cols.begin / image_.tile;
  View view = {static_cast<const uint8_t*>(pixels), row_bytes, tile.extent()};
  std::shared_ptr<Parent> complete;  // Keeps the pixels of `view`.
  for (size_t i = 0;; ++i, row /= 2, col /= 2) {
    put(*levels_[i], row, col, view);
    if (i + 1 == levels_.size()) return;
    complete = reduce_into(*levels_[i + 1], row, col, view);
    if (!complete) return;
    view = {complete->pixels.data(), complete->extent.cols * pixel_bytes_, complete->extent};
  }
}

/// Tile (row, col) of the level before becomes a quarter of one of `level`, which is given where it
/// thereby is complete.
std::shared_ptr<OmeImageWriter::Parent> OmeImageWriter::reduce_into(Level& level, int64_t row,
                                                                    int64_t col, const View& tile) {
  std::shared_ptr<Parent> parent = parent_of(level, row / 2, col / 2);
  const int64_t row_bytes = parent->extent.cols * pixel_bytes_;
  uint8_t* const quarter = parent->pixels.data() + (row % 2) * image_.tile / 2 * row_bytes +
                           (col % 2) * image_.tile / 2 * pixel_bytes_;
  const auto reduce = image_.pyramid == PyramidKind::kMean ? reduce_by_mean : reduce_by_mode;
  reduce({tile.data, tile.row_bytes, tile.extent}, image_.type, image_.channels, quarter,
         row_bytes);
  if (--parent->missing > 0) return nullptr;
  const std::lock_guard lock(level.mutex);
  level.parents.erase({row / 2, col / 2});
  return parent;
}

std::shared_ptr<OmeImageWriter::Parent> OmeImageWriter::parent_of(Level& level, int64_t row,
                                                                  int64_t col) {
  const std::lock_guard lock(level.mutex);
  std::shared_ptr<Parent>& parent = level.parents[{row, col}];
  if (parent) return parent;
  const int64_t side = image_.tile;
  const Region region =
      clip({{row * side, (row + 1) * side}, {col * side, (col + 1) * side}}, level.extent);
  parent = std::make_shared<Parent>(region.extent(), pixel_bytes_);
  const int rows = parent->extent.rows > side / 2 ? 2 : 1;
  const int cols = parent->extent.cols > side / 2 ? 2 : 1;
  parent->missing = rows * cols;
  return parent;
}

void OmeImageWriter::put(Level& level, int64_t row, int64_t col, const View& tile) {
  const int64_t side = image_.tile;
  const size_t pixels = static_cast<size_t>(side * side);
  const bool is_whole = tile.extent == Extent{side, side} && tile.row_bytes == side * pixel_bytes_;
  Bytes padded;
  if (!is_whole) {
    padded.resize(pixels * static_cast<size_t>(pixel_bytes_));
    std::fill(padded.begin(), padded.end(), uint8_t{0});
    for (int64_t y = 0; y < tile.extent.rows; ++y) {
      std::memcpy(padded.data() + y * side * pixel_bytes_, tile.data + y * tile.row_bytes,
                  static_cast<size_t>(tile.extent.cols * pixel_bytes_));
    }
  }
  const uint8_t* const chunk = is_whole ? tile.data : padded.data();
  ++level.written;
  if (!is_planar(image_) || image_.channels == 1) {
    level.array.write_chunk({0, row, col}, {chunk, pixels * static_cast<size_t>(pixel_bytes_)});
    return;
  }
  const size_t width = bytes_of(image_.type);
  Bytes plane(pixels * width);
  for (int c = 0; c < image_.channels; ++c) {
    take_channel(chunk, side * side, image_.channels, c, width, plane.data());
    level.array.write_chunk({c, row, col}, {plane.data(), plane.size()});
  }
}

OmeMetadata OmeImageWriter::metadata() const {
  OmeMetadata metadata;
  metadata.version = image_.version;
  metadata.name = image_.name;
  const bool known = image_.mpp_x && image_.mpp_y;
  const std::string unit = known ? "micrometer" : "";
  metadata.axes = {{"c", "channel"}, {"y", "space", unit}, {"x", "space", unit}};
  const double y = known ? *image_.mpp_y : 1;
  const double x = known ? *image_.mpp_x : 1;
  for (size_t i = 0; i < levels_.size(); ++i) {
    const double factor = std::exp2(static_cast<double>(i));
    OmeDataset dataset = {std::to_string(i), {1, y * factor, x * factor}};
    // A pixel's centre lies in the middle of those that it was made of.
    const double centre = (factor - 1) / 2;
    const double first_y = (image_.first_y + centre) * y;
    const double first_x = (image_.first_x + centre) * x;
    if (first_y != 0 || first_x != 0) dataset.translation = {0, first_y, first_x};
    metadata.datasets.push_back(std::move(dataset));
  }
  metadata.method = image_.pyramid == PyramidKind::kMean ? "mean" : "mode";
  metadata.channels = image_.shown;
  metadata.labels = image_.labels;
  return metadata;
}

void OmeImageWriter::finish() {
  for (const auto& level : levels_) {
    if (level->written != level->tiles(image_.tile).area()) {
      throw InternalError(folder_.string() + ": not all tiles were written");
    }
    level->array.finish();
  }
  write_image_group(folder_, metadata());
}

}  // namespace untiled
