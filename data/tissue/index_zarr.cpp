#include "data/tissue/index_zarr.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/slide/samples.h"
#include "data/slide/side_limit.h"
#include "data/slide/tile_cache.h"
#include "lib/core/error.h"
#include "lib/zarr/array_reader.h"
#include "lib/zarr/ome_reader.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLargestChunk = 64 << 20;
constexpr int64_t kKeptBytes = 16 << 20;

[[noreturn]] void refuse(const fs::path& folder, const std::string& found) {
  throw DataError(
      fmt::format("{}: a mask holds one class index a pixel: {}", folder.string(), found));
}

/// Which dimensions of the array are rows and columns.
struct Plane {
  size_t y = 0;
  size_t x = 0;
};

template <typename Number>
int64_t number_of(const uint8_t* element) {
  Number value{};
  std::memcpy(&value, element, sizeof(value));
  // A number that does not fit is beyond 255 all the same.
  if constexpr (sizeof(Number) == sizeof(int64_t)) {
    return value > Number{UINT8_MAX} ? int64_t{UINT8_MAX} + 1 : static_cast<int64_t>(value);
  }
  return static_cast<int64_t>(value);
}

/// How an element is read; none of floating-point numbers.
int64_t (*reader_of(DataType type))(const uint8_t*) {
  switch (type) {
    case DataType::kBool:
    case DataType::kUint8:
      return number_of<uint8_t>;
    case DataType::kInt8:
      return number_of<int8_t>;
    case DataType::kInt16:
      return number_of<int16_t>;
    case DataType::kUint16:
      return number_of<uint16_t>;
    case DataType::kInt32:
      return number_of<int32_t>;
    case DataType::kUint32:
      return number_of<uint32_t>;
    case DataType::kInt64:
      return number_of<int64_t>;
    case DataType::kUint64:
      return number_of<uint64_t>;
    case DataType::kFloat32:
    case DataType::kFloat64:
      break;
  }
  return nullptr;
}

class IndexZarr : public PixelSource {
 public:
  IndexZarr(fs::path folder, std::unique_ptr<const ArrayReader> array, Plane at)
      : folder_(std::move(folder)),
        array_(std::move(array)),
        at_(at),
        number_at_(reader_of(array_->metadata().type)) {}
  Extent extent() const override {
    const std::vector<int64_t>& shape = array_->metadata().shape;
    return {shape[at_.y], shape[at_.x]};
  }
  int channels() const override { return 1; }

  PixelBlock read(const Region& region) const override {
    if (!whole(extent()).contains(region)) {
      throw DataError(fmt::format("{}: {} lies outside its {}", folder_.string(), to_string(region),
                                  to_string(extent())));
    }
    PixelBlock out = empty_block(region, 1);
    if (region.empty()) return out;
    const Extent chunk = chunk_extent();
    for (int64_t row = region.rows.begin / chunk.rows; row * chunk.rows < region.rows.end; ++row) {
      for (int64_t col = region.cols.begin / chunk.cols; col * chunk.cols < region.cols.end;
           ++col) {
        const int64_t number = row * ceil_div(extent().cols, chunk.cols) + col;
        copy_overlap(*kept_.get({0, number}, [&] { return decode(row, col); }), out);
      }
    }
    return out;
  }

 private:
  Extent chunk_extent() const {
    const std::vector<int64_t>& chunk = array_->metadata().chunk;
    return {chunk[at_.y], chunk[at_.x]};
  }

  /// The part of a chunk that the array has.
  PixelBlock decode(int64_t row, int64_t col) const {
    const Extent chunk = chunk_extent();
    PixelBlock block =
        empty_block(clip(shift(whole(chunk), row * chunk.rows, col * chunk.cols), extent()), 1);
    ChunkIndex index(array_->metadata().shape.size(), 0);
    index[at_.y] = row;
    index[at_.x] = col;
    if (const std::optional<Bytes> stored = array_->read_chunk(index)) {
      unpack(*stored, block);
    } else {
      std::fill(block.bytes.begin(), block.bytes.end(), fill_value(block.region));
    }
    return block;
  }

  void unpack(const Bytes& stored, PixelBlock& block) const {
    const std::vector<int64_t> strides = byte_strides(array_->metadata());
    const Region& region = block.region;
    uint8_t* to = block.bytes.data();
    for (int64_t row = 0; row < region.rows.size(); ++row) {
      const uint8_t* from = stored.data() + row * strides[at_.y];
      for (int64_t col = 0; col < region.cols.size(); ++col, ++to) {
        *to = index_of(number_at_(from + col * strides[at_.x]), region.rows.begin + row,
                       region.cols.begin + col);
      }
    }
  }

  uint8_t fill_value(const Region& region) const {
    const std::vector<uint8_t>& fill = array_->metadata().fill;
    if (fill.empty()) return 0;
    return index_of(number_at_(fill.data()), region.rows.begin, region.cols.begin);
  }

  uint8_t index_of(int64_t value, int64_t row, int64_t col) const {
    if (value >= 0 && value <= UINT8_MAX) return static_cast<uint8_t>(value);
    throw DataError(
        fmt::format("{}: a value at row {}, column {} of the mask is beyond the 0 to 255 of class "
                    "indices; save classes, not numbers of objects",
                    folder_.string(), row, col));
  }

  fs::path folder_;
  std::unique_ptr<const ArrayReader> array_;
  Plane at_;
  int64_t (*number_at_)(const uint8_t*);
  mutable TileCache kept_{kKeptBytes};
};

/// The array's own names where the image says none; two dimensions without names are y and x.
std::vector<std::string> axis_names(const OmeSource& source, const ArrayMetadata& array) {
  std::vector<std::string> names;
  for (const OmeAxis& axis : source.metadata.axes) names.push_back(axis.name);
  if (source.is_array) names = array.dimension_names;
  const bool is_named = std::any_of(names.begin(), names.end(),
                                    [](const std::string& name) { return !name.empty(); });
  return !is_named && array.shape.size() == 2 ? std::vector<std::string>{"y", "x"} : names;
}

Plane plane_of(const std::vector<std::string>& names, const ArrayMetadata& array,
               const fs::path& folder) {
  const auto y = std::find(names.begin(), names.end(), "y");
  const auto x = std::find(names.begin(), names.end(), "x");
  if (names.size() != array.shape.size() || y == names.end() || x == names.end()) {
    refuse(folder, fmt::format("its axes are ({}) and its shape [{}], where y and x belong",
                               fmt::join(names, ", "), fmt::join(array.shape, ", ")));
  }
  const Plane at = {static_cast<size_t>(y - names.begin()), static_cast<size_t>(x - names.begin())};
  for (size_t d = 0; d < array.shape.size(); ++d) {
    if (d == at.y || d == at.x || array.shape[d] == 1) continue;
    refuse(folder,
           fmt::format("its axis {} has {} places; save one of them", names[d], array.shape[d]));
  }
  return at;
}

void require_bounded(const ArrayMetadata& array, const Plane& at, const fs::path& folder) {
  if (array.shape[at.y] == 0 || array.shape[at.x] == 0) refuse(folder, "it has no pixels");
  if (array.shape[at.y] >= kMaxSide || array.shape[at.x] >= kMaxSide) {
    throw DataError(fmt::format("{} is damaged: it claims {} x {} pixels; copy it again",
                                folder.string(), array.shape[at.y], array.shape[at.x]));
  }
  const int64_t pixels = array.chunk[at.y] * array.chunk[at.x];
  if (pixels <= kLargestChunk) return;
  refuse(folder, fmt::format("its chunks are decoded whole and have {} megapixels; save it in "
                             "chunks of 512",
                             pixels >> 20));
}

}  // namespace

std::shared_ptr<const PixelSource> open_index_zarr(const fs::path& folder) {
  const std::vector<OmeSource> images = find_images(folder);
  if (images.size() > 1) {
    refuse(folder, fmt::format("it holds {} images; give the folder of one", images.size()));
  }
  const OmeSource& source = images.front();
  auto array = std::make_unique<const ArrayReader>(source.levels.front());
  const ArrayMetadata& metadata = array->metadata();
  const Plane at = plane_of(axis_names(source, metadata), metadata, folder);
  if (reader_of(metadata.type) == nullptr) {
    refuse(folder,
           fmt::format("its elements are {}; save whole numbers", to_string(metadata.type)));
  }
  require_bounded(metadata, at, folder);
  return std::make_shared<IndexZarr>(folder, std::move(array), at);
}

}  // namespace untiled
