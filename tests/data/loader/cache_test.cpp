#include "data/loader/cache.h"

#include <filesystem>
#include <thread>

#include "tests/catch.h"
#include "tests/core/file_size_limit.h"
#include "tests/core/temporary_folder.h"
#include "tests/data/loader/fake_source.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

// Three by two blocks, the last ones cut.
constexpr Extent kExtent{2 * kCacheBlockSide + 77, kCacheBlockSide + 333};

std::shared_ptr<FakeSource> fake(int channels) {
  auto source = std::make_shared<FakeSource>(kExtent, channels);
  source->gap = {{1000, 1100}, {900, 1200}};
  return source;
}

void check_same_bits(const PixelSource& cached, const PixelSource& source, uint64_t seed) {
  Random random(seed);
  for (int i = 0; i < 12; ++i) {
    const Region region = random_region(random, source.extent());
    const PixelBlock expected = source.read(region);
    const PixelBlock found = cached.read(region);
    CAPTURE(to_string(region));
    CHECK(found.region == region);
    CHECK(found.channels == expected.channels);
    CHECK((found.bytes == expected.bytes));
    CHECK((found.missing == expected.missing));
  }
}

TEST_CASE("every cache gives the source's bytes and missing marks") {
  const TemporaryFolder folder;
  for (const CacheMode mode : {CacheMode::kNone, CacheMode::kRam, CacheMode::kDisk}) {
    for (const int channels : {1, 3}) {
      CAPTURE(static_cast<int>(mode), channels);
      const auto source = fake(channels);
      const auto cached = make_cached(source, mode, {folder.path()});
      check_same_bits(*cached, *source, 3);
    }
  }
}

TEST_CASE("a ram cache keeps to its budget and still gives the same bits") {
  const auto source = fake(3);
  const auto cached = make_cached(source, CacheMode::kRam, {{}, 4 << 20});
  check_same_bits(*cached, *source, 4);
  const int64_t first = source->pixels();
  cached->read(whole(kExtent));
  CHECK(source->pixels() - first == kExtent.area() - kCacheBlockSide * kCacheBlockSide);
}

TEST_CASE("a ram cache shows what it keeps without a copy, for as long as it is looked at") {
  const auto source = fake(3);
  const Region region{{900, 1200}, {800, 1300}};
  auto cached = make_cached(source, CacheMode::kRam, {});
  const PixelView first = cached->view(region);
  const PixelView second = cached->view(region);
  CHECK(first.data == second.data);
  cached.reset();
  CHECK((copy_of(first).bytes == source->read(region).bytes));
  CHECK((first.missing == source->read(region).missing));
}

TEST_CASE("a slide is decoded once, however often and from however many threads it is read") {
  const TemporaryFolder folder;
  for (const CacheMode mode : {CacheMode::kRam, CacheMode::kDisk}) {
    const auto source = fake(3);
    const auto cached = make_cached(source, mode, {folder.path()});
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i) threads.emplace_back([&] { cached->read(whole(kExtent)); });
    for (std::thread& thread : threads) thread.join();
    CHECK(source->pixels() == kExtent.area());
    CHECK(source->reads() == 6);
  }
}

TEST_CASE("a block that could not be read is read again the next time") {
  const TemporaryFolder folder;
  for (const CacheMode mode : {CacheMode::kRam, CacheMode::kDisk}) {
    const auto source = fake(1);
    bool broken = true;
    source->on_read = [&](const Region&) {
      if (broken) throw DataError("a.svs: the share is gone");
    };
    const auto cached = make_cached(source, mode, {folder.path()});
    const Region region{{5, 9}, {7, 11}};
    CHECK_THROWS_WITH(cached->read(region), "a.svs: the share is gone");
    broken = false;
    CHECK((cached->read(region).bytes == source->read(region).bytes));
  }
}

TEST_CASE("a region outside the slide is refused by the source, cached or not") {
  const auto cached = make_cached(fake(1), CacheMode::kRam, {});
  CHECK_THROWS_AS(cached->read({{0, kExtent.rows + 1}, {0, 1}}), DataError);
  CHECK_THROWS_AS(cached->read({{-1, 1}, {0, 1}}), DataError);
}

TEST_CASE("a disk cache leaves nothing in its folder, not even while it lives") {
  const TemporaryFolder folder;
  const auto cached = make_cached(fake(3), CacheMode::kDisk, {folder.path()});
  cached->read(whole(kExtent));
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a full disk is a data error that names the folder and the way out") {
  const TemporaryFolder folder;
  const auto cached = make_cached(fake(3), CacheMode::kDisk, {folder.path()});
  const FileSizeLimit limit(1 << 20);
  CHECK_THROWS_AS(cached->read(whole(kExtent)), DataError);
  CHECK_THROWS_WITH(cached->read(whole(kExtent)),
                    contains_text(folder.path().string()) && contains_text("run.scratch"));
}

TEST_CASE("a disk cache without a folder, or in one that cannot be written, is refused") {
  CHECK_THROWS_AS(make_cached(fake(1), CacheMode::kDisk, {}), ConfigError);
  CHECK_THROWS_AS(make_cached(fake(1), CacheMode::kDisk, {"/proc/nowhere"}), DataError);
}

TEST_CASE("a cache takes three bytes a pixel and little more") {
  const Extent gigapixel{16000, 64000};
  const int64_t needed = cache_footprint(CacheMode::kRam, gigapixel, 3).resident_bytes;
  CHECK(needed >= gigapixel.area() * 3);
  CHECK(needed <= gigapixel.area() * 3 + (1 << 20));
  CHECK(cache_footprint(CacheMode::kDisk, gigapixel, 3).disk_bytes == gigapixel.area() * 3);
  CHECK(cache_footprint(CacheMode::kNone, gigapixel, 3).resident_bytes == 0);
  CHECK_THROWS_AS(make_cached(fake(1), CacheMode::kAuto, {}), InternalError);
}

}  // namespace
}  // namespace untiled
