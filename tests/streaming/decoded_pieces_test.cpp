// Pixels that are decoded where they are computed with against those that the source decodes: with
// a decoder that stands in for nvImageCodec, into LibTorch's memory.
#include <atomic>
#include <cstring>

#include "lib/core/random.h"
#include "lib/kernels/libtorch_kernel.h"
#include "lib/streaming/pixels/pixel_window.h"
#include "lib/train/losses.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled::testing {
namespace {

constexpr int64_t kRgb = 3;

/// An image in tiles, some of which are JPEG streams of the stand-in.
class TiledImage : public PixelSource {
 public:
  TiledImage(Extent extent, CellGrid grid, uint64_t seed)
      : image_(random_image(extent, seed)), grid_(grid) {}

  Extent extent() const override { return image_->extent(); }
  int channels() const override { return kRgb; }
  CellGrid cells() const override { return grid_; }
  PixelBlock read(const Region& region) const override {
    ++reads_;
    return image_->read(region);
  }

  /// Every `other`-th tile is none (0: all are), every `damaged`-th stream ends early.
  TileFinder finder(int64_t other, int64_t damaged) const {
    return [=, this](const Region& cell) {
      const int64_t row = floor_div(cell.rows.begin - grid_.first_row, grid_.size.rows);
      const int64_t col = floor_div(cell.cols.begin - grid_.first_col, grid_.size.cols);
      const int64_t number = 7 * row + col;
      StoredTile tile;
      if (other > 0 && number % other == 0) return tile;
      tile.kind = StoredTile::Kind::kJpeg;
      const int64_t top = grid_.first_row + row * grid_.size.rows;
      const int64_t left = grid_.first_col + col * grid_.size.cols;
      tile.region = {{top, top + grid_.size.rows}, {left, left + grid_.size.cols}};
      tile.stream = stream_of(tile.region);
      if (damaged > 0 && number % damaged == 0) tile.stream.resize(5);
      return tile;
    };
  }
  int64_t reads() const { return reads_; }

 private:
  std::vector<uint8_t> stream_of(const Region& region) const {
    PixelBlock tile{.region = region, .channels = kRgb, .bytes = {}, .missing = {}};
    tile.bytes.assign(static_cast<size_t>(region.area() * kRgb), 77);
    copy_overlap(image_->read(intersect(region, whole(extent()))), tile);
    return {tile.bytes.begin(), tile.bytes.end()};
  }

  std::shared_ptr<MemorySource> image_;
  CellGrid grid_;
  mutable std::atomic<int64_t> reads_ = 0;
};

TileDecoding decoding_of(const TiledImage& image, JpegPlace place, int64_t other = 0,
                         int64_t damaged = 0) {
  return {image.finder(other, damaged), DeviceJpeg::open(place, 0, 1, UNTILED_STAND_IN_JPEG),
          std::make_shared<std::atomic<int64_t>>(0)};
}

bool shows(const at::Tensor& pixels, const PixelBlock& block) {
  const at::Tensor dense = pixels.contiguous();
  return static_cast<size_t>(dense.numel()) == block.bytes.size() &&
         std::memcmp(dense.const_data_ptr(), block.bytes.data(), block.bytes.size()) == 0;
}

TEST_CASE("pieces that are decoded in place have the source's pixels, whatever tiles they are of") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    CellGrid grid{{1 + random.below(40), 1 + random.below(40)}, 0, 0};
    grid.first_row = -random.below(grid.size.rows);
    grid.first_col = -random.below(grid.size.cols);
    const TiledImage image({1 + random.below(120), 1 + random.below(120)}, grid, seed);
    const JpegPlace place = seed % 2 == 0 ? JpegPlace::kDevice : JpegPlace::kHost;
    const TileDecoding decoding = decoding_of(image, place, static_cast<int64_t>(seed % 4),
                                              static_cast<int64_t>(seed % 5 == 0 ? 9 : 0));
    const Upload upload(at::kCPU);
    const auto reader = make_decoded_pieces(image, upload, decoding);
    for (int piece = 0; piece < 8; ++piece) {  // Also ones that cut tiles.
      const Extent e = image.extent();
      const int64_t top = random.below(e.rows);
      const int64_t left = random.below(e.cols);
      const Region region = {{top, top + 1 + random.below(e.rows - top)},
                             {left, left + 1 + random.below(e.cols - left)}};
      CHECK(shows(reader->read(region).pixels, image.read(region)));
    }
    CHECK(shows(reader->read(whole(image.extent())).pixels, image.read(whole(image.extent()))));
  }
}

TEST_CASE("the source decodes no tile that nvImageCodec can") {
  const TiledImage image({100, 130}, {{32, 48}, -5, -7}, 1);
  const TileDecoding decoding = decoding_of(image, JpegPlace::kDevice);
  const Upload upload(at::kCPU);
  make_decoded_pieces(image, upload, decoding)->read(whole(image.extent()));
  CHECK(image.reads() == 0);
  CHECK(*decoding.count == 4 * 3);
}

/// A step over it, with LibTorch's kernels; `decoding` may be empty.
StepResult step_over(const TiledImage& image, const TileDecoding& decoding, int workers) {
  const Case c{.extent = image.extent(), .loss = LossKind::kBceDice, .dtype = at::kFloat};
  const Graph graph = make_graph(c);
  const LibTorchKernel kernel(graph);
  ExecutorOptions options{.dtype = c.dtype, .workers = workers};
  options.decoding = decoding;
  const Executor executor(graph, make_plan(graph, graph.storable_layers(), {48, 48}, Tiling::kGrid),
                          kernel, options);
  return executor.step(make_parameters(c).tensors, image, *random_labels(c.extent, 1, 0.1, 1),
                       *make_loss(c.loss, 1, {}));
}

TEST_CASE(
    "a step over pixels that are decoded in place has the bits of one that the source feeds") {
  const TiledImage image({180, 230}, {{32, 48}, -5, -7}, 3);
  const StepResult expected = step_over(image, {}, 1);
  const int64_t read = image.reads();
  for (const int64_t other : {0, 3}) {
    const TileDecoding decoding = decoding_of(image, JpegPlace::kDevice, other);
    const StepResult found = step_over(image, decoding, 2);
    CHECK(found.loss == expected.loss);
    for (size_t i = 0; i < expected.gradients.size(); ++i) {
      CHECK(found.gradients[i].equal(expected.gradients[i]));
    }
    CHECK(*decoding.count > 0);
    if (other == 0) CHECK(image.reads() == read);
  }
}

TEST_CASE("a pixel that is decoded otherwise shows in a step") {
  const TiledImage image({180, 230}, {{32, 48}, 0, 0}, 3);
  TileDecoding decoding = decoding_of(image, JpegPlace::kDevice);
  decoding.find = [find = decoding.find](const Region& cell) {
    StoredTile tile = find(cell);
    if (cell.rows.begin == 32 && cell.cols.begin == 48) tile.stream[100] ^= 1;
    return tile;
  };
  const StepResult expected = step_over(image, {}, 1);
  CHECK_FALSE(step_over(image, decoding, 1).gradients[0].equal(expected.gradients[0]));
}

}  // namespace
}  // namespace untiled::testing
