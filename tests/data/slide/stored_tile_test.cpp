#include <fstream>

#include "data/slide/jpeg.h"
#include "data/slide/reader.h"
#include "data/slide/view.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

constexpr int64_t kMostPixels = 1 << 20;

/// The part of an interleaved picture of `all` that lies in `part`.
Bytes cut(const Bytes& pixels, const Region& all, const Region& part) {
  PixelBlock whole_block{all, 3, pixels, {}};
  PixelBlock block{part, 3, Bytes(static_cast<size_t>(part.area() * 3)), {}};
  copy_overlap(whole_block, block);
  return block.bytes;
}

Bytes file_bytes(const StoredTile& tile) {
  std::ifstream file(tile.path, std::ios::binary);
  Bytes bytes(static_cast<size_t>(tile.region.area() * 3));
  file.seekg(static_cast<std::streamoff>(tile.offset));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
  return bytes;
}

std::shared_ptr<const SlideView> view_of_slide(const std::filesystem::path& path,
                                               const std::optional<Region>& crop) {
  ViewOptions options;
  options.crop_level0 = crop;
  return make_view(open_slide(path), options);
}

/// Compares each cell of a view with its stored tile.
template <typename PixelsOf>
void check_cells(const SlideView& view, StoredTile::Kind kind, const PixelsOf& pixels_of) {
  const CellGrid grid = view.cells();
  for (int64_t row = grid.first_row; row < view.extent().rows; row += grid.size.rows) {
    for (int64_t col = grid.first_col; col < view.extent().cols; col += grid.size.cols) {
      const Region tile = {{row, row + grid.size.rows}, {col, col + grid.size.cols}};
      const Region cell = clip(tile, view.extent());
      const StoredTile stored = view.stored_tile(cell);
      REQUIRE(stored.kind == kind);
      CHECK(stored.region == tile);
      CHECK(cut(pixels_of(stored), tile, cell) == view.read(cell).bytes);
    }
  }
}

}  // namespace

TEST_CASE("a JPEG tile's whole stream, which names its colours, has the slide's pixels") {
  const TemporaryFolder folder;
  TiffImage image;
  image.compression = COMPRESSION_JPEG;
  write_tiff(folder / "a.tif", {{image, {}}});
  for (const auto& crop :
       {std::optional<Region>(), std::optional<Region>({{50, 290}, {130, 399}})}) {
    check_cells(*view_of_slide(folder / "a.tif", crop), StoredTile::Kind::kJpeg,
                [](const StoredTile& tile) {
                  const JpegHeader header = read_jpeg_header(tile.stream);
                  CHECK(header.is_ycbcr == false);
                  return decode_jpeg({}, tile.stream, JpegColor::kFromStream, kMostPixels).pixels;
                });
  }
}

TEST_CASE("a raw tile's bytes in the file are the slide's pixels") {
  const TemporaryFolder folder;
  TiffImage image;
  image.compression = COMPRESSION_NONE;
  write_tiff(folder / "a.tif", {{image, {}}});
  for (const auto& crop :
       {std::optional<Region>(), std::optional<Region>({{50, 290}, {130, 399}})}) {
    check_cells(*view_of_slide(folder / "a.tif", crop), StoredTile::Kind::kRgb, file_bytes);
  }
}

TEST_CASE("tiles of other forms, without data, or several of them are the slide's to read") {
  const TemporaryFolder folder;
  const auto kind_of = [&](const TiffImage& image, const Region& region) {
    write_tiff(folder / "a.tif", {{image, {}}});
    return open_slide(folder / "a.tif")->stored_tile(0, region).kind;
  };
  const Region first = {{0, 128}, {0, 128}};
  TiffImage image;
  CHECK(kind_of(image, first) == StoredTile::Kind::kOther);
  image.compression = COMPRESSION_NONE;
  CHECK(kind_of(image, {{0, 129}, {0, 128}}) == StoredTile::Kind::kOther);
  image.separate_planes = true;
  CHECK(kind_of(image, first) == StoredTile::Kind::kOther);
  image.separate_planes = false;
  image.orientation = ORIENTATION_BOTRIGHT;
  CHECK(kind_of(image, first) == StoredTile::Kind::kOther);
  image = {};
  image.compression = COMPRESSION_NONE;
  image.skipped_tiles = {0};
  CHECK(kind_of(image, first) == StoredTile::Kind::kOther);
}
