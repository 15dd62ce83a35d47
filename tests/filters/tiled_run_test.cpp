#include "lib/filters/tiled_run.h"

#include <bit>
#include <cmath>
#include <map>
#include <mutex>

#include "lib/core/random.h"
#include "lib/filters/absorbance_rows.h"
#include "lib/filters/chain_run.h"
#include "lib/filters/filter_spec.h"
#include "lib/filters/row_filters.h"
#include "tests/catch.h"
#include "tests/filters/memory_image.h"

namespace untiled::filters {
namespace {

constexpr Extent kImage = {150, 210};

MemoryImage noise(CellGrid grid) {
  std::vector<uint8_t> rgb(static_cast<size_t>(kImage.area() * 3));
  for (size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<uint8_t>(mix64(i) >> 20);
  return {kImage, std::move(rgb), grid};
}

std::vector<RowFilter> chain_of(const std::string& list, const std::string& simd = "auto") {
  return make_row_filters(parse_filters(list), filter_rows(simd), nullptr);
}

/// The bytes of all chunks put together, row by row.
std::vector<uint8_t> result_of(const MemoryImage& image, const std::string& list,
                               const TiledOptions& options, TiledCounts* counts = nullptr,
                               const std::string& simd = "auto") {
  const auto chain = chain_of(list, simd);
  const size_t pixel = 3 * bytes_of(chain.empty() ? Sample::kUint8 : chain.back().out);
  const Extent extent = options.region.extent();
  std::vector<uint8_t> result(static_cast<size_t>(extent.area()) * pixel, 99);
  std::mutex mutex;
  const auto found =
      run_tiled(image, chain, options, [&](const Region& chunk, std::span<const uint8_t> bytes) {
        const std::lock_guard lock(mutex);
        for (int64_t row = 0; row < chunk.rows.size(); ++row) {
          const int64_t to = (chunk.rows.begin + row) * extent.cols + chunk.cols.begin;
          std::memcpy(result.data() + static_cast<size_t>(to) * pixel,
                      bytes.data() + static_cast<size_t>(row * options.chunk) * pixel,
                      static_cast<size_t>(chunk.cols.size()) * pixel);
        }
      });
  if (counts != nullptr) *counts = found;
  return result;
}

TEST_CASE("each tile of the file is decoded once, whatever the chunks and workers") {
  const CellGrid grid = {{32, 48}, -5, -7};
  for (const char* list : {"none", "sobel", "gaussian:2.5,sobel"}) {
    for (const int64_t chunk : {7, 16, 32, 96, 500}) {
      for (const int workers : {1, 4}) {
        CAPTURE(list, chunk, workers);
        const MemoryImage image = noise(grid);
        TiledCounts counts;
        TiledOptions options;
        options.region = whole(kImage);
        options.chunk = chunk;
        options.workers = workers;
        result_of(image, list, options, &counts);
        CHECK(image.decoded() == 5 * 5);
        CHECK(counts.decoded_tiles == image.decoded());
      }
    }
  }
}

TEST_CASE("a Gaussian's rows are the same however many are made at once, and by whatever unit") {
  const MemoryImage image = noise({{64, 64}, 0, 0});
  TiledOptions options;
  options.region = whole(kImage);
  for (const char* list : {"gaussian:2.5:uint8", "gaussian:1.5,gaussian:2.5", "gaussian:5"}) {
    options.chunk = kImage.cols;
    const auto expected = result_of(image, list, options, nullptr, "scalar");
    for (const std::string& simd : available_filter_simd()) {
      for (const int64_t chunk : {2, 3, 5, 6, 64}) {
        CAPTURE(list, simd, chunk);
        options.chunk = chunk;
        REQUIRE(result_of(image, list, options, nullptr, simd) == expected);
      }
    }
  }
}

/// What a chain makes of a region, `skipped` bytes behind a cache line and with bytes between rows,
/// all of which are there to be compared.
std::vector<uint8_t> made_of(const PixelRows& pixels, const std::vector<RowFilter>& chain,
                             const Region& region, size_t skipped, NextRead next_read) {
  constexpr size_t kLine = 64;
  constexpr int64_t kBetween = 12;
  ChainRun run(chain, kImage);
  const auto width = region.cols.size() * static_cast<int64_t>(run.pixel_bytes());
  const int64_t row_bytes = ceil_div(width, int64_t{4}) * 4 + kBetween;
  std::vector<uint8_t> memory(static_cast<size_t>(region.rows.size() * row_bytes) + 3 * kLine, 99);
  const size_t past = reinterpret_cast<uintptr_t>(memory.data()) % kLine;
  uint8_t* const line = memory.data() + (kLine - past);
  run.make(pixels, region, {line + skipped, row_bytes, next_read});
  return {line, line + static_cast<size_t>(region.rows.size() * row_bytes) + kLine};
}

TEST_CASE("a result that is read later has the same bits, wherever its rows begin") {
  const MemoryImage image = noise({});
  const PixelBlock all = image.read(whole(kImage));
  const PixelRows pixels{all.bytes.data(), kImage.cols * 3, 0, 0, kImage.rows};
  for (const std::string& simd : available_filter_simd()) {
    for (const char* list : {"none", "absorbance", "median", "sobel", "gaussian:2.5:uint8",
                             "separation", "median,gaussian:1"}) {
      const auto chain = chain_of(list, simd);
      const bool has_bytes = chain.empty() || chain.back().out == Sample::kUint8;
      for (const Region& region : {Region{{5, 6}, {7, 8}}, Region{{0, 9}, {0, 210}},
                                   Region{{141, 150}, {83, 210}}, Region{{60, 67}, {3, 26}}}) {
        for (size_t skipped = 0; skipped < 64; skipped += has_bytes ? 1 : sizeof(float)) {
          CAPTURE(list, simd, region.rows.begin, skipped);
          const auto soon = made_of(pixels, chain, region, skipped, NextRead::kSoon);
          REQUIRE(made_of(pixels, chain, region, skipped, NextRead::kLater) == soon);
        }
      }
    }
  }
}

TEST_CASE("a region is cut out of the filtered slide: its neighbours are the slide's") {
  const Region part = {{40, 111}, {33, 150}};
  for (const char* list : {"sobel", "median", "gaussian:1.5"}) {
    CAPTURE(list);
    const MemoryImage image = noise({{64, 64}, 0, 0});
    TiledOptions options;
    options.region = whole(kImage);
    options.reading = Reading::kGlobal;
    const auto all = result_of(image, list, options);
    options.region = part;
    options.reading = Reading::kTiled;
    options.chunk = 31;
    const auto cut = result_of(image, list, options);
    const size_t pixel = all.size() / static_cast<size_t>(kImage.area());
    const auto width = static_cast<size_t>(part.cols.size()) * pixel;
    for (int64_t row = 0; row < part.rows.size(); ++row) {
      const int64_t from = (part.rows.begin + row) * kImage.cols + part.cols.begin;
      REQUIRE(std::memcmp(all.data() + static_cast<size_t>(from) * pixel,
                          cut.data() + static_cast<size_t>(row) * width, width) == 0);
    }
  }
}

TEST_CASE("chunks at the edge are whole, with zeros beyond the image") {
  const MemoryImage image = noise({});
  const auto chain = chain_of("median");
  TiledOptions options;
  options.region = whole(kImage);
  options.chunk = 64;
  int64_t beyond = 0;
  run_tiled(image, chain, options, [&](const Region& chunk, std::span<const uint8_t> bytes) {
    REQUIRE(bytes.size() == 64 * 64 * 3);
    for (int64_t row = 0; row < 64; ++row) {
      for (int64_t col = 0; col < 64; ++col) {
        if (row < chunk.rows.size() && col < chunk.cols.size()) continue;
        ++beyond;
        REQUIRE(bytes[static_cast<size_t>((row * 64 + col) * 3)] == 0);
      }
    }
  });
  CHECK(beyond == 3 * 4 * 64 * 64 - kImage.area());
}

TEST_CASE("bands of a chunk follow each other from its first row to its last") {
  const MemoryImage image = noise({{64, 64}, 0, 0});
  TiledOptions options;
  options.region = whole(kImage);
  options.chunk = 64;
  options.band_bytes = 64 * 3 * 10;
  for (const Reading reading : {Reading::kTiled, Reading::kGlobal}) {
    options.reading = reading;
    std::map<int64_t, std::vector<uint8_t>> whole_chunks;
    const auto key = [](const Region& chunk) { return chunk.rows.begin * 1000 + chunk.cols.begin; };
    run_tiled(image, chain_of("median"), options,
              [&](const Region& chunk, std::span<const uint8_t> bytes) {
                whole_chunks[key(chunk)] = {bytes.begin(), bytes.end()};
              });
    std::map<int64_t, std::vector<uint8_t>> bands;
    size_t calls = 0;
    run_tiled_by_bands(image, chain_of("median"), options,
                       [&](const Region& chunk, int64_t first, std::span<const uint8_t> bytes) {
                         ++calls;
                         auto& so_far = bands[key(chunk)];
                         REQUIRE(so_far.size() == static_cast<size_t>(first) * 64 * 3);
                         so_far.insert(so_far.end(), bytes.begin(), bytes.end());
                       });
    CHECK(calls == 7 * whole_chunks.size());
    CHECK(bands == whole_chunks);
  }
}

TEST_CASE("absorbance is the definition's, of each byte, in rows of all lengths, by all units") {
  std::vector<uint8_t> row;
  for (int i = 0; i < 700; ++i) row.push_back(static_cast<uint8_t>(i));
  for (const std::string& simd : available_filter_simd()) {
    for (size_t count = 0; count <= row.size(); count += count < 200 ? 1 : 100) {
      CAPTURE(simd, count);
      std::vector<float> found(count + 1, -7.0F);
      filter_rows(simd).absorbance(row.data(), static_cast<int64_t>(count), found.data());
      for (size_t i = 0; i < count; ++i) {
        const double value = std::max<int>(row[i], 1);
        const auto expected = static_cast<float>(0.0 - std::log(value / 255.0));
        REQUIRE(std::bit_cast<uint32_t>(found[i]) ==
                (row[i] == 255 ? 0U : std::bit_cast<uint32_t>(expected)));
      }
      REQUIRE(found[count] == -7.0F);
    }
  }
}

TEST_CASE(
    "a processor that can look absorbance up in registers does so, under the best name alone") {
  const AbsorbanceRows in_registers = absorbance_in_registers();
  const AbsorbanceRow plain = plain_rows().absorbance;
  const FilterRows& best = filter_rows("auto");
  CHECK(best.absorbance == (in_registers.soon != nullptr ? in_registers.soon : plain));
  CHECK(best.absorbance_later == in_registers.later);
  CHECK(filter_rows("scalar").absorbance == plain);
  CHECK(filter_rows("scalar").absorbance_later == nullptr);
}

TEST_CASE("what is held depends on the width of a slide, not on its height") {
  const auto held = [](Extent extent) {
    const MemoryImage image(extent, {}, {{512, 512}, 0, 0});
    TiledOptions options;
    options.region = whole(extent);
    options.workers = 2;
    return tiled_bytes(image, chain_of("sobel"), options);
  };
  CHECK(held({20000, 30000}) == held({200000, 30000}));
  CHECK(held({20000, 30000}) < 3 * 512 * 30230 * 3 + 2 * 512 * 512 * 12);
  const MemoryImage image({200000, 100000}, {}, {{512, 512}, 0, 0});
  TiledOptions options;
  options.region = whole(image.extent());
  options.workers = 2;
  CHECK(tiled_bytes(image, chain_of("none"), options) == 2 * 512 * 512 * 3);
}

TEST_CASE("an error of the writer or the reader ends all workers and is thrown once") {
  const MemoryImage image = noise({{16, 16}, 0, 0});
  TiledOptions options;
  options.region = whole(kImage);
  options.chunk = 20;
  options.workers = 4;
  const auto fail = [](const Region& chunk, std::span<const uint8_t>) {
    if (chunk.rows.begin >= 40) throw DataError("the disk is full");
  };
  CHECK_THROWS_WITH(run_tiled(image, chain_of("sobel"), options, fail), "the disk is full");
  options.region = {{0, 200}, {0, 210}};
  CHECK_THROWS_AS(run_tiled(image, {}, options, fail), DataError);
}

TEST_CASE("filters that do not fit together are refused by name") {
  CHECK_THROWS_WITH(parse_filters("blur"), contains_text("no such filter"));
  CHECK(parse_filters("gaussian").front().sigma == 2.5);
  for (const char* sigma : {"0", "65", "nan", "inf", "-1"}) {
    CHECK_THROWS_WITH(parse_filters(std::string("gaussian:") + sigma), contains_text("0.1 to 64"));
  }
  CHECK_THROWS_WITH(parse_filters("sobel:3"), contains_text("takes no number"));
  CHECK_THROWS_WITH(parse_filters("sobel,absorbance"), contains_text("takes bytes"));
  CHECK_THROWS_WITH(parse_filters("median,macenko"), contains_text("comes first"));
  CHECK_THROWS_WITH(parse_filters("sobel,none"), contains_text("no such filter"));
  CHECK_THROWS_WITH(parse_filters(""), contains_text("no such filter"));
  CHECK(parse_filters("none").empty());
  CHECK(output_sample(parse_filters("gaussian:2:uint8,absorbance")) == Sample::kFloat32);
}

}  // namespace
}  // namespace untiled::filters
