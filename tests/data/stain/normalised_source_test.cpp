#include "data/stain/normalised_source.h"

#include <cstring>
#include <mutex>

#include "data/loader/augment.h"
#include "data/loader/cache.h"
#include "data/slide/view.h"
#include "data/stain/slide_stains.h"
#include "lib/core/parallel.h"
#include "lib/filters/row_filters.h"
#include "lib/filters/tiled_run.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/data/stain/painted_slide.h"

namespace untiled {
namespace {

using testing::PaintedSlide;

constexpr Extent kSlide = {170, 230};
constexpr Region kGap = {{20, 60}, {150, 200}};
constexpr filters::Stains kTarget = {{{{0.8, 0.6, 0.0}, {0.0, 0.6, 0.8}}}, {1.5, 1.25}};

std::shared_ptr<const SlideView> view_of_slide() {
  return make_view(std::make_shared<PaintedSlide>(kSlide, false, kGap), {});
}

filters::Stains stains_of_slide() {
  return *slide_stains(std::make_shared<PaintedSlide>(kSlide, false, kGap), {}, 2);
}

std::shared_ptr<const PixelSource> normalised() {
  return make_normalised(view_of_slide(), stains_of_slide(), kTarget);
}

/// What `untiled tile --filter macenko` writes of the slide, chunks put together.
Bytes tiled(int64_t chunk, int workers) {
  const auto view = view_of_slide();
  const auto recoloring = std::make_shared<filters::Recoloring>(stains_of_slide(), kTarget);
  const auto chain = filters::make_row_filters(filters::parse_filters("macenko"),
                                               filters::filter_rows("auto"), recoloring);
  filters::TiledOptions options;
  options.region = whole(kSlide);
  options.chunk = chunk;
  options.workers = workers;
  PixelBlock all{whole(kSlide), 3, Bytes(static_cast<size_t>(kSlide.area() * 3)), {}};
  std::mutex mutex;
  filters::run_tiled(*view, chain, options,
                     [&](const Region& region, std::span<const uint8_t> bytes) {
                       PixelBlock part{region, 3, {}, {}};
                       for (int64_t row = 0; row < region.rows.size(); ++row) {
                         const uint8_t* from = bytes.data() + row * chunk * 3;
                         part.bytes.insert(part.bytes.end(), from, from + region.cols.size() * 3);
                       }
                       const std::lock_guard lock(mutex);
                       copy_overlap(part, all);
                     });
  return std::move(all.bytes);
}

/// A source read in squares by several threads, in an order of their own.
PixelBlock read_in_parts(const PixelSource& source, int64_t side, int threads) {
  PixelBlock all{whole(source.extent()), 3, {}, {}};
  all.bytes.resize(static_cast<size_t>(source.extent().area() * 3));
  all.missing.resize(static_cast<size_t>(source.extent().area()));
  const auto tiles = tile_grid(source.extent(), {side, side});
  std::mutex mutex;
  parallel_for(tiles.size(), threads, [&](size_t i) {
    const PixelBlock part = source.read(tiles[tiles.size() - 1 - i]);
    const std::lock_guard lock(mutex);
    copy_overlap(part, all);
  });
  return all;
}

TEST_CASE("normalised pixels are those of the tile chain, for all tiles, threads and orders") {
  const Bytes expected = tiled(512, 1);
  CHECK((expected != view_of_slide()->read(whole(kSlide)).bytes));
  CHECK((tiled(17, 3) == expected));
  CHECK((normalised()->read(whole(kSlide)).bytes == expected));
  for (const int64_t side : {1, 13, 64}) {
    for (const int threads : {1, 4}) {
      CAPTURE(side, threads);
      CHECK((read_in_parts(*normalised(), side, threads).bytes == expected));
    }
  }
}

TEST_CASE("pixels without data stay marked where pixels are normalised") {
  const PixelBlock before = view_of_slide()->read(whole(kSlide));
  const PixelBlock after = normalised()->read(whole(kSlide));
  REQUIRE(!after.missing.empty());
  CHECK((after.missing == before.missing));
  CHECK(normalised()->read({{0, 20}, {0, 30}}).missing.empty());
}

TEST_CASE("normalised pixels come to where they are wanted, in the slide's own cells") {
  const auto source = normalised();
  CHECK(source->cells().size == Extent{32, 48});
  CHECK_FALSE(source->keeps_pixels());
  const Region part = {{30, 90}, {100, 210}};
  const PixelBlock expected = source->read(part);
  PixelBlock onto{whole(kSlide), 3, Bytes(static_cast<size_t>(kSlide.area() * 3), 9), {}};
  source->read_into(part, target_of(onto));
  PixelBlock cut{part, 3, Bytes(expected.bytes.size()), {}};
  copy_overlap(onto, cut);
  CHECK((cut.bytes == expected.bytes));
  CHECK((cut.missing == expected.missing));
  CHECK(onto.bytes.front() == 9);
  const PixelView view = source->view(part);
  CHECK((copy_of(view).bytes == expected.bytes));
}

TEST_CASE("caches keep normalised pixels, and augmentation changes them afterwards") {
  const TemporaryFolder folder;
  const Bytes expected = normalised()->read(whole(kSlide)).bytes;
  for (const CacheMode mode : {CacheMode::kNone, CacheMode::kRam, CacheMode::kDisk}) {
    const auto cached = make_cached(normalised(), mode, {.scratch = folder.path()});
    for (int pass = 0; pass < 2; ++pass) CHECK((read_in_parts(*cached, 50, 3).bytes == expected));
    const auto turned = make_oriented(cached, {.transpose = true});
    CHECK((make_oriented(turned, {.transpose = true})->read(whole(kSlide)).bytes == expected));
  }
}

}  // namespace
}  // namespace untiled
