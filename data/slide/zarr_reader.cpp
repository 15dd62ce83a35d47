#include "data/slide/zarr_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "data/slide/image_description.h"
#include "data/slide/length_unit.h"
#include "data/slide/ome.h"
#include "data/slide/samples.h"
#include "data/slide/scale.h"
#include "data/slide/side_limit.h"
#include "data/slide/tiled_reader.h"
#include "lib/core/error.h"
#include "lib/zarr/array_reader.h"
#include "lib/zarr/metadata_file.h"
#include "lib/zarr/ome_reader.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kColors = 3;

/// Which dimension of the arrays is which.
struct Dimensions {
  size_t y = 0;
  size_t x = 0;
  size_t c = 0;
};

[[noreturn]] void refuse(const fs::path& folder, const std::string& found) {
  throw DataError(fmt::format(
      "{} cannot be read as RGB: {}; export it as three channels of 8 bits, one time and one focal "
      "plane",
      folder.string(), found));
}

std::vector<std::string> names_of(const std::vector<OmeAxis>& axes) {
  std::vector<std::string> names;
  for (const OmeAxis& axis : axes) names.push_back(axis.name);
  return names;
}

/// The axes that an array alone seems to have: by its names, else by its shape.
std::vector<OmeAxis> axes_of(const ArrayMetadata& array, const fs::path& folder) {
  const auto known = [](const std::string& name) {
    return name.size() == 1 && std::string_view("tczyx").find(name) != std::string_view::npos;
  };
  std::vector<OmeAxis> axes;
  if (std::all_of(array.dimension_names.begin(), array.dimension_names.end(), known)) {
    for (const std::string& name : array.dimension_names) axes.push_back({name});
  }
  if (!axes.empty()) return axes;
  if (array.shape.size() == 3 && array.shape[2] == kColors) return {{"y"}, {"x"}, {"c"}};
  if (array.shape.size() == 3 && array.shape[0] == kColors) return {{"c"}, {"y"}, {"x"}};
  refuse(folder, fmt::format("it is an array of [{}] elements whose dimensions have no names",
                             fmt::join(array.shape, ", ")));
}

Dimensions dimensions_of(const std::vector<OmeAxis>& axes, const fs::path& folder) {
  const std::vector<std::string> names = names_of(axes);
  const auto find = [&](const char* name) {
    const auto count = std::count(names.begin(), names.end(), name);
    if (count != 1) {
      refuse(folder,
             fmt::format("its axes are ({}), where c, y and x belong", fmt::join(names, ", ")));
    }
    return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  return {find("y"), find("x"), find("c")};
}

/// One array of the pyramid.
struct Level {
  std::shared_ptr<const ArrayReader> array;
  Dimensions at;

  const ArrayMetadata& metadata() const { return array->metadata(); }
  Extent extent() const { return {metadata().shape[at.y], metadata().shape[at.x]}; }
  Extent tile() const { return {metadata().chunk[at.y], metadata().chunk[at.x]}; }
};

void require_rgb(const Level& level, const std::vector<OmeAxis>& axes) {
  const ArrayMetadata& array = level.metadata();
  const fs::path& folder = level.array->folder();
  if (array.shape.size() != axes.size()) {
    refuse(folder, fmt::format("its shape [{}] has {} dimensions and its axes are ({})",
                               fmt::join(array.shape, ", "), array.shape.size(),
                               fmt::join(names_of(axes), ", ")));
  }
  if (array.type != DataType::kUint8) {
    refuse(folder, fmt::format("its elements are {}", to_string(array.type)));
  }
  if (array.shape[level.at.c] != kColors) {
    refuse(folder, fmt::format("it has {} channels", array.shape[level.at.c]));
  }
  if (level.extent().empty()) refuse(folder, "it has no pixels");
  for (size_t d = 0; d < axes.size(); ++d) {
    const bool is_plane = d == level.at.y || d == level.at.x || d == level.at.c;
    if (is_plane || array.shape[d] == 1) continue;
    refuse(folder, fmt::format("its axis {} has {} places", axes[d].name, array.shape[d]));
  }
}

void require_bounded(const Level& level, const OpenOptions& options) {
  if (level.extent().rows >= kMaxSide || level.extent().cols >= kMaxSide) {
    throw DataError(fmt::format("{} is damaged: it claims {} pixels; copy it again",
                                level.array->folder().string(), to_string(level.extent())));
  }
  if (level.tile().area() <= options.max_image_pixels) return;
  throw DataError(
      fmt::format("{} would have to be decoded {} pixels at a time, beyond the limit of {}: store "
                  "it in smaller "
                  "chunks",
                  level.array->folder().string(), level.tile().area(), options.max_image_pixels));
}

/// Which channels are red, green and blue.
std::array<int64_t, 3> colors_of(const OmeSource& source) {
  OmeImage image;
  image.size_c = kColors;
  std::vector<std::string> labels;
  for (const OmeZarrChannel& channel : source.metadata.channels) {
    const auto [r, g, b] = channel.color;
    const uint32_t rgba = static_cast<uint32_t>(r) << 24 | static_cast<uint32_t>(g) << 16 |
                          static_cast<uint32_t>(b) << 8 | 0xFF;
    image.channels.push_back({channel.label, static_cast<int32_t>(rgba)});
    labels.push_back(channel.label.empty()
                         ? fmt::format("one of colour {:02X}{:02X}{:02X}", r, g, b)
                         : channel.label);
  }
  if (const auto channels = rgb_channels(image)) return *channels;
  refuse(source.folder,
         fmt::format("its channels are {}, no red, green and blue", fmt::join(labels, ", ")));
}

/// The chunks of all channels under one tile, put together as RGB.
class ZarrTiles : public TileDecoder {
 public:
  ZarrTiles(std::vector<Level> levels, std::array<int64_t, 3> colors)
      : levels_(std::move(levels)), colors_(colors) {}

  int64_t tile_cols(int level) const override {
    const Level& source = levels_[static_cast<size_t>(level)];
    return ceil_div(source.extent().cols, source.tile().cols);
  }

  PixelBlock decode(const TileKey& key) const override {
    PixelBlock block = empty_block(region_of(key));
    decode_into(key, target_of(block));
    return block;
  }

  void decode_into(const TileKey& key, const PixelTarget& onto) const override {
    const Level& level = levels_[static_cast<size_t>(key.first)];
    const int64_t channels_a_chunk = level.metadata().chunk[level.at.c];
    int64_t read = -1;
    std::optional<Bytes> chunk;
    for (size_t color = 0; color < colors_.size(); ++color) {
      const int64_t channel = colors_[color];
      if (channel / channels_a_chunk != read) {
        read = channel / channels_a_chunk;
        chunk = level.array->read_chunk(chunk_at(key, read));
      }
      const int64_t inside = channel % channels_a_chunk;
      if (color == 0 && is_interleaved(level) && chunk) return copy_rows(key, *chunk, onto);
      copy_channel(key, chunk, inside, static_cast<int>(color), onto);
    }
  }

  StoredTile stored(const TileKey& key) const override {
    const Level& level = levels_[static_cast<size_t>(key.first)];
    StoredTile tile;
    const auto file =
        is_interleaved(level) ? level.array->find_plain_chunk(chunk_at(key, 0)) : std::nullopt;
    const bool is_packed =
        byte_strides(level.metadata())[level.at.y] == level.tile().cols * kColors;
    if (!file || !is_packed) return tile;
    tile.kind = StoredTile::Kind::kRgb;
    tile.region = shift(whole(level.tile()), key.second / tile_cols(key.first) * level.tile().rows,
                        key.second % tile_cols(key.first) * level.tile().cols);
    tile.path = *file;
    return tile;
  }

 private:
  Region region_of(const TileKey& key) const {
    const Level& level = levels_[static_cast<size_t>(key.first)];
    const Extent tile = level.tile();
    const int64_t row = key.second / tile_cols(key.first);
    const int64_t col = key.second % tile_cols(key.first);
    return clip(
        {{row * tile.rows, (row + 1) * tile.rows}, {col * tile.cols, (col + 1) * tile.cols}},
        level.extent());
  }

  ChunkIndex chunk_at(const TileKey& key, int64_t of_channels) const {
    const Level& level = levels_[static_cast<size_t>(key.first)];
    ChunkIndex index(level.metadata().shape.size(), 0);
    index[level.at.y] = key.second / tile_cols(key.first);
    index[level.at.x] = key.second % tile_cols(key.first);
    index[level.at.c] = of_channels;
    return index;
  }

  /// Whether a chunk's rows are rows of RGB pixels.
  bool is_interleaved(const Level& level) const {
    const std::vector<int64_t> strides = byte_strides(level.metadata());
    return colors_ == std::array<int64_t, 3>{0, 1, 2} && level.metadata().chunk[level.at.c] == 3 &&
           strides[level.at.c] == 1 && strides[level.at.x] == kColors;
  }

  void copy_rows(const TileKey& key, const Bytes& chunk, const PixelTarget& onto) const {
    const Level& level = levels_[static_cast<size_t>(key.first)];
    const Region region = region_of(key);
    const int64_t row_stride = byte_strides(level.metadata())[level.at.y];
    const RowCopy rows(onto.next_read);
    for (int64_t row = 0; row < region.rows.size(); ++row) {
      const Region line = intersect(
          {{region.rows.begin + row, region.rows.begin + row + 1}, region.cols}, onto.region);
      if (line.empty()) continue;
      const int64_t skipped = line.cols.begin - region.cols.begin;
      rows.copy(chunk.data() + row * row_stride + skipped * kColors,
                onto.at(line.rows.begin, line.cols.begin),
                static_cast<size_t>(line.cols.size() * kColors));
    }
  }

  /// Nothing: the chunk is all fill value.
  void copy_channel(const TileKey& key, const std::optional<Bytes>& chunk, int64_t channel,
                    int color, const PixelTarget& onto) const {
    const Level& level = levels_[static_cast<size_t>(key.first)];
    const Region whole_tile = region_of(key);
    const Region region = intersect(whole_tile, onto.region);
    const std::vector<int64_t> strides = byte_strides(level.metadata());
    const uint8_t fill = level.metadata().fill.empty() ? 0 : level.metadata().fill.front();
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      uint8_t* to = onto.at(row, region.cols.begin) + color;
      const int64_t offset = channel * strides[level.at.c] +
                             (row - whole_tile.rows.begin) * strides[level.at.y] +
                             (region.cols.begin - whole_tile.cols.begin) * strides[level.at.x];
      for (int64_t i = 0; i < region.cols.size(); ++i, to += kColors) {
        *to = chunk ? (*chunk)[static_cast<size_t>(offset + i * strides[level.at.x])] : fill;
      }
    }
  }

  std::vector<Level> levels_;
  std::array<int64_t, 3> colors_;
};

/// Micrometres per pixel of level 0, as its dataset's scale and the axis' unit say.
ScaleClaim scale_claim(const OmeMetadata& metadata, const Dimensions& at) {
  ScaleClaim claim{"ome", {}, {}};
  if (metadata.datasets.empty()) return claim;
  const auto on_axis = [&](size_t axis) -> std::optional<double> {
    const std::string& unit = metadata.axes[axis].unit;
    if (unit.empty()) return std::nullopt;
    const auto um = unit_um(unit);
    if (!um) claim.unknown_unit = unit;
    return um ? std::optional(*um * metadata.datasets.front().scale[axis]) : std::nullopt;
  };
  claim.mpp_y = on_axis(at.y);
  claim.mpp_x = on_axis(at.x);
  return claim;
}

/// How much coarser a level is than level 0 by their scales.
std::optional<double> stated_downsample(const OmeMetadata& metadata, const Dimensions& at,
                                        size_t level) {
  if (metadata.datasets.empty()) return std::nullopt;
  const auto on_axis = [&](size_t axis) {
    return metadata.datasets[level].scale[axis] / metadata.datasets.front().scale[axis];
  };
  const double ratio = std::sqrt(on_axis(at.y) * on_axis(at.x));
  return std::isfinite(ratio) && ratio > 0 ? std::optional(ratio) : std::nullopt;
}

/// The tile that a level may be padded to: where its scale is no whole number, it says that the
/// pixels are what they are.
Extent padding_tile(const Level& level, const std::optional<double>& stated) {
  constexpr double kTolerance = 0.01;
  const bool is_whole =
      stated && *stated > 1.5 && std::abs(*stated / std::round(*stated) - 1) < kTolerance;
  return is_whole ? level.tile() : Extent{};
}

std::vector<LevelInfo> describe_levels(const std::vector<Level>& levels,
                                       const OmeMetadata& metadata) {
  std::vector<StoredLevel> stored;
  for (size_t i = 0; i < levels.size(); ++i) {
    const auto stated = stated_downsample(metadata, levels[i].at, i);
    stored.push_back({levels[i].extent(), padding_tile(levels[i], stated), stated});
  }
  const std::vector<ScaledLevel> scaled = scale_levels(stored);
  std::vector<LevelInfo> described;
  for (size_t i = 0; i < levels.size(); ++i) {
    described.push_back({scaled[i].extent, scaled[i].downsample, levels[i].tile()});
  }
  return described;
}

/// A level's array, its dimensions told by the axes of the image.
Level open_level(OmeSource& source, const fs::path& folder, const OpenOptions& options) {
  auto array = std::make_shared<const ArrayReader>(folder);
  if (source.is_array) source.metadata.axes = axes_of(array->metadata(), folder);
  Level level = {std::move(array), dimensions_of(source.metadata.axes, source.folder)};
  require_rgb(level, source.metadata.axes);
  require_bounded(level, options);
  return level;
}

void require_falling(const OmeSource& source, const std::vector<Level>& levels,
                     const Level& level) {
  if (levels.empty()) return;
  const Extent before = levels.back().extent();
  if (level.extent().rows <= before.rows && level.extent().cols <= before.cols) return;
  throw DataError(fmt::format(
      "{} cannot be read: its level {} has {}, more than the {} of the one before it, where levels "
      "go from the largest down; write them in that order",
      source.folder.string(), level.array->folder().filename().string(), to_string(level.extent()),
      to_string(before)));
}

/// A level of another shape than the image's is another picture and left out.
std::vector<Level> open_levels(OmeSource& source, const OpenOptions& options) {
  std::vector<Level> levels;
  std::vector<OmeDataset> datasets;
  for (size_t i = 0; i < source.levels.size(); ++i) {
    Level level = open_level(source, source.levels[i], options);
    require_falling(source, levels, level);
    const bool is_level =
        levels.empty() || has_shape_of(levels.front().extent(), {level.extent(), level.tile(), {}});
    if (!is_level) {
      source.warnings.push_back(
          fmt::format("its level {} of {} has not the image's shape and is "
                      "left out",
                      source.levels[i].filename().string(), to_string(level.extent())));
      continue;
    }
    levels.push_back(std::move(level));
    if (!source.is_array) datasets.push_back(source.metadata.datasets[i]);
  }
  source.metadata.datasets = std::move(datasets);
  return levels;
}

/// The images' names in the OME-XML that bioformats2raw leaves beside them; none where there is no
/// such file, or none that can be read.
std::vector<std::string> names_in_xml(const fs::path& folder) {
  const fs::path file = folder / "OME" / "METADATA.ome.xml";
  std::vector<std::string> names;
  try {
    if (!is_there(file)) return names;
    for (const OmeImage& image : parse_ome(read_metadata_file(file))) names.push_back(image.name);
  } catch (const DataError&) {
    names.clear();
  }
  return names;
}

/// Pixels of an image's first level; 0 where it cannot be read.
int64_t area_of(const OmeSource& source) {
  try {
    const ArrayReader array(source.levels.front());
    const Dimensions at = dimensions_of(source.metadata.axes, source.folder);
    const std::vector<int64_t>& shape = array.metadata().shape;
    if (shape.size() != source.metadata.axes.size()) return 0;
    const Extent extent = {shape[at.y], shape[at.x]};
    return extent.rows < kMaxSide && extent.cols < kMaxSide ? extent.area() : 0;
  } catch (const DataError&) {
    return 0;
  }
}

/// Of a folder's images the largest that is by its name no macro, label or thumbnail.
OmeSource slide_of(const fs::path& folder) {
  std::vector<OmeSource> images = find_images(folder);
  if (images.size() == 1) return std::move(images.front());
  const std::vector<std::string> names = names_in_xml(folder);
  const auto rank = [&](const OmeSource& image) {
    const auto number = static_cast<size_t>(image.number);
    const bool is_other = names_other_picture(image.metadata.name) ||
                          (number < names.size() && names_other_picture(names[number]));
    return std::pair(!is_other, area_of(image));
  };
  std::vector<std::pair<bool, int64_t>> ranks;
  for (const OmeSource& image : images) ranks.push_back(rank(image));
  const auto best = std::max_element(ranks.begin(), ranks.end()) - ranks.begin();
  OmeSource slide = std::move(images[static_cast<size_t>(best)]);
  slide.warnings.push_back(fmt::format("it holds {} further images; the largest, image {}, is read",
                                       images.size() - 1, slide.number));
  return slide;
}

int64_t held_bytes(const std::vector<Level>& levels, const OpenOptions& options) {
  int64_t tile = 0;
  int64_t indexes = 0;
  for (const Level& level : levels) {
    tile = std::max(tile, level.tile().area() * kColors);
    indexes += level.array->held_bytes();
  }
  return std::max(options.cache_bytes, tile) + indexes;
}

}  // namespace

std::shared_ptr<const SlideReader> open_zarr_slide(const fs::path& folder,
                                                   const OpenOptions& options) {
  OmeSource source = slide_of(folder);
  std::vector<Level> levels = open_levels(source, options);
  const auto colors = colors_of(source);
  SlideInfo info;
  info.path = folder;
  info.backend = "zarr";
  info.vendor = source.is_array ? "zarr" : "ome-zarr";
  info.levels = describe_levels(levels, source.metadata);
  info.warnings = source.warnings;
  ScaleChoice scale = choose_scale({scale_claim(source.metadata, levels.front().at)});
  info.mpp_x = scale.claim.mpp_x;
  info.mpp_y = scale.claim.mpp_y;
  info.mpp_source = scale.claim.source;
  info.warnings.insert(info.warnings.end(), scale.warnings.begin(), scale.warnings.end());
  info.files = {folder};
  info.held_bytes = held_bytes(levels, options);
  return make_tiled_reader(std::move(info), std::make_unique<ZarrTiles>(std::move(levels), colors),
                           options.cache_bytes);
}

}  // namespace untiled
