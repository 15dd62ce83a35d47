// Masks as arrays of Zarr: types, chunks, axes, and what is refused.
#include "data/tissue/index_zarr.h"

#include <cstring>
#include <functional>

#include "lib/core/error.h"
#include "lib/zarr/array_writer.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

using Value = std::function<int(int64_t row, int64_t col)>;

constexpr Extent kExtent = {21, 45};

int pattern(int64_t row, int64_t col) { return static_cast<int>((row * 7 + col * 3) % 128); }

template <typename Number>
void store(std::vector<uint8_t>& bytes, size_t at, int value) {
  const auto number = static_cast<Number>(value);
  std::memcpy(bytes.data() + at * sizeof(number), &number, sizeof(number));
}

void store_as(DataType type, std::vector<uint8_t>& bytes, size_t at, int value) {
  switch (type) {
    case DataType::kInt16:
      return store<int16_t>(bytes, at, value);
    case DataType::kUint16:
      return store<uint16_t>(bytes, at, value);
    case DataType::kInt32:
      return store<int32_t>(bytes, at, value);
    case DataType::kUint32:
      return store<uint32_t>(bytes, at, value);
    case DataType::kInt64:
      return store<int64_t>(bytes, at, value);
    case DataType::kUint64:
      return store<uint64_t>(bytes, at, value);
    default:
      return store<uint8_t>(bytes, at, value);
  }
}

/// Of rows and columns, chunks of 8 x 16.
ArrayMetadata plane_of(DataType type) {
  ArrayMetadata array;
  array.shape = {kExtent.rows, kExtent.cols};
  array.type = type;
  array.chunk = {8, 16};
  return array;
}

class Arrays {
 public:
  /// `skipped` chunk has no file.
  std::shared_ptr<const PixelSource> open(const ArrayMetadata& array, const Value& value,
                                          int64_t skipped = -1) const {
    const auto folder = folder_ / "mask.zarr";
    std::filesystem::remove_all(folder);
    ArrayWriter writer(folder, array);
    const size_t y = array.shape.size() - 2;
    const Extent chunk = {array.chunk[y], array.chunk[y + 1]};
    int64_t number = 0;
    for (const Region& part : tile_grid(kExtent, chunk)) {
      if (number++ == skipped) continue;
      std::vector<uint8_t> bytes(chunk_bytes(array), 0);
      for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
        for (int64_t col = part.cols.begin; col < part.cols.end; ++col) {
          const int64_t at = (row - part.rows.begin) * chunk.cols + col - part.cols.begin;
          store_as(array.type, bytes, static_cast<size_t>(at), value(row, col));
        }
      }
      ChunkIndex index(array.shape.size(), 0);
      index[y] = part.rows.begin / chunk.rows;
      index[y + 1] = part.cols.begin / chunk.cols;
      writer.write_chunk(index, bytes);
    }
    writer.finish();
    return open_index_zarr(folder);
  }

 private:
  TemporaryFolder folder_;
};

void check_pattern(const PixelSource& mask, const Region& region) {
  const PixelBlock block = mask.read(region);
  REQUIRE(block.bytes.size() == static_cast<size_t>(region.area()));
  size_t wrong = 0;
  size_t at = 0;
  for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
    for (int64_t col = region.cols.begin; col < region.cols.end; ++col, ++at) {
      if (block.bytes[at] != pattern(row, col)) ++wrong;
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("a Zarr mask of any whole numbers has the values that were written") {
  const Arrays arrays;
  for (const DataType type :
       {DataType::kInt8, DataType::kUint8, DataType::kInt16, DataType::kUint16, DataType::kInt32,
        DataType::kUint32, DataType::kInt64, DataType::kUint64}) {
    CAPTURE(to_string(type));
    const auto mask = arrays.open(plane_of(type), pattern);
    CHECK(mask->extent() == kExtent);
    CHECK(mask->channels() == 1);
    check_pattern(*mask, whole(kExtent));
    check_pattern(*mask, {{7, 9}, {15, 45}});
    check_pattern(*mask, {{20, 21}, {44, 45}});
  }
}

TEST_CASE("a chunk without a file is the fill value, truth values are 0 and 1") {
  const Arrays arrays;
  ArrayMetadata array = plane_of(DataType::kUint16);
  array.fill = {5, 0};
  const auto mask = arrays.open(array, pattern, 1);
  CHECK(mask->read({{3, 4}, {16, 17}}).bytes[0] == 5);
  CHECK(mask->read({{3, 4}, {15, 16}}).bytes[0] == pattern(3, 15));
  const auto truth =
      arrays.open(plane_of(DataType::kBool), [](int64_t row, int64_t) { return row > 4 ? 1 : 0; });
  CHECK(truth->read({{4, 5}, {0, 1}}).bytes[0] == 0);
  CHECK(truth->read({{5, 6}, {0, 1}}).bytes[0] == 1);
}

TEST_CASE("axes of one place are no matter, and those of more are refused") {
  const Arrays arrays;
  ArrayMetadata array = plane_of(DataType::kUint8);
  array.shape = {1, 1, kExtent.rows, kExtent.cols};
  array.chunk = {1, 1, 8, 16};
  array.dimension_names = {"t", "c", "y", "x"};
  check_pattern(*arrays.open(array, pattern), whole(kExtent));
  array.shape[1] = 3;
  CHECK_THROWS_WITH(arrays.open(array, pattern), contains_text("its axis c has 3 places"));
  array.dimension_names = {"t", "c", "y", "z"};
  CHECK_THROWS_WITH(arrays.open(array, pattern), contains_text("where y and x belong"));
}

TEST_CASE("numbers that are no class indices are refused with their place") {
  const Arrays arrays;
  for (const int wrong : {-1, 256, 70000}) {
    CAPTURE(wrong);
    const auto value = [&](int64_t row, int64_t col) { return row == 9 && col == 17 ? wrong : 1; };
    for (const DataType type : {DataType::kInt32, DataType::kInt64}) {
      const auto mask = arrays.open(plane_of(type), value);
      CHECK(mask->read({{0, 8}, {0, 45}}).bytes[0] == 1);
      CHECK_THROWS_WITH(mask->read({{8, 9}, {16, 17}}), contains_text("row 9, column 17"));
    }
  }
  CHECK_THROWS_WITH(arrays.open(plane_of(DataType::kFloat32), pattern),
                    contains_text("its elements are float32; save whole numbers"));
  ArrayMetadata huge = plane_of(DataType::kUint8);
  huge.chunk = {1 << 14, 1 << 13};
  CHECK_THROWS_WITH(arrays.open(huge, pattern), contains_text("have 128 megapixels"));
}

}  // namespace untiled
