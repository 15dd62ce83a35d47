// What a device makes against what run_tiled makes. Where there is no GPU a driver stands in whose
// launches run the same kernels on the host; what a GPU makes is compared where there is one.
#include "lib/filters/cuda/device_run.h"

#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "lib/cuda/cuda_driver.h"
#include "lib/filters/row_filters.h"
#include "lib/filters/stains.h"
#include "tests/catch.h"
#include "tests/filters/memory_image.h"

namespace untiled::filters {
namespace {

const char* const kAnyKernels = "the stand-in has its own";

FilterDevice stand_in() { return {0, UNTILED_STAND_IN_DRIVER, kAnyKernels}; }

/// Whole numbers from a seed.
class Dice {
 public:
  explicit Dice(uint64_t seed) : seed_(seed) {}
  int64_t between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(mix64(seed_++) % static_cast<uint64_t>(most - least + 1));
  }

 private:
  uint64_t seed_;
};

MemoryImage noise(Extent extent, CellGrid grid, uint64_t seed = 0) {
  std::vector<uint8_t> rgb(static_cast<size_t>(extent.area() * 3));
  for (size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<uint8_t>(mix64(i + seed) >> 20);
  return {extent, std::move(rgb), grid};
}

struct Case {
  Extent extent;
  CellGrid grid;
  std::string chain;
  TiledOptions options;
  DeviceOptions device;
};

std::string words_of(const Case& c) {
  return c.chain + ", slide " + to_string(c.extent) + ", cells " + to_string(c.grid.size) +
         ", chunks of " + std::to_string(c.options.chunk) + ", " + std::to_string(c.device.batch) +
         " together, " + to_string(c.options.region) + ", " + std::to_string(c.options.workers) +
         " workers, " + (c.options.reading == Reading::kGlobal ? "all at once" : "in tiles");
}

using Chunks = std::map<std::pair<int64_t, int64_t>, std::vector<uint8_t>>;

/// Takes chunks with all their bytes, each once.
class Taker {
 public:
  ChunkWriter writer() {
    return [this](const Region& chunk, std::span<const uint8_t> bytes) {
      const std::lock_guard lock(mutex_);
      const bool is_new = chunks_
                              .emplace(std::pair{chunk.rows.begin, chunk.cols.begin},
                                       std::vector<uint8_t>(bytes.begin(), bytes.end()))
                              .second;
      if (!is_new) throw InternalError("a chunk comes twice");
    };
  }
  const Chunks& chunks() const { return chunks_; }

 private:
  std::mutex mutex_;
  Chunks chunks_;
};

/// Macenko's table for stains of nobody; with all colours of the image, or none of them yet.
std::shared_ptr<const Recoloring> recoloring_for(const Case& c, const MemoryImage& image,
                                                 bool knows) {
  if (!c.chain.starts_with("macenko")) return nullptr;
  const Stains stains = {{{{0.6, 0.7, 0.38}, {0.1, 0.95, 0.3}}}, {1.5, 0.8}};
  auto recoloring = std::make_shared<Recoloring>(stains, kReferenceStains);
  if (knows) recoloring->learn(count_colors(image, 1).histogram.keys);
  return recoloring;
}

Chunks on_host(const Case& c, const MemoryImage& image) {
  Taker taker;
  const auto chain = make_row_filters(parse_filters(c.chain), filter_rows("auto"),
                                      recoloring_for(c, image, /*knows=*/false));
  run_tiled(image, chain, c.options, taker.writer());
  return taker.chunks();
}

Chunks on_device(const FilterDevice& device, const Case& c, const MemoryImage& image,
                 bool knows_colors = true) {
  Taker taker;
  DeviceRun run(device, image, parse_filters(c.chain), recoloring_for(c, image, knows_colors),
                c.options, c.device);
  const int64_t before = image.decoded();
  const TiledCounts counts = run.run(taker.writer());
  CHECK(counts.decoded_tiles == image.decoded() - before);
  return taker.chunks();
}

Case random_case(Dice& dice, int64_t most) {
  static const std::vector<std::string> chains = {"none",
                                                  "sobel",
                                                  "gaussian:2.5",
                                                  "gaussian:1.2:uint8",
                                                  "median",
                                                  "absorbance",
                                                  "separation",
                                                  "macenko",
                                                  "gaussian:2.5,sobel",
                                                  "median,gaussian:1:uint8,sobel",
                                                  "absorbance,gaussian:0.8",
                                                  "macenko,median,absorbance,median",
                                                  "sobel,sobel,median",
                                                  "separation,sobel"};
  Case c;
  c.extent = {dice.between(1, most), dice.between(1, most)};
  if (dice.between(0, 4) > 0) {
    c.grid = {{dice.between(1, 70), dice.between(1, 70)}, 0, 0};
    c.grid.first_row = -dice.between(0, c.grid.size.rows - 1);
    c.grid.first_col = -dice.between(0, c.grid.size.cols - 1);
  }
  c.chain = chains[static_cast<size_t>(dice.between(0, static_cast<int64_t>(chains.size()) - 1))];
  c.options.region = whole(c.extent);
  if (dice.between(0, 1) == 0) {
    const int64_t row = dice.between(0, c.extent.rows - 1);
    const int64_t col = dice.between(0, c.extent.cols - 1);
    c.options.region = {{row, dice.between(row + 1, c.extent.rows)},
                        {col, dice.between(col + 1, c.extent.cols)}};
  }
  c.options.chunk = dice.between(1, 60);
  c.options.workers = static_cast<int>(dice.between(1, 4));
  if (dice.between(0, 3) == 0) c.options.reading = Reading::kGlobal;
  c.device.batch = dice.between(0, 5);
  return c;
}

/// Compares so many cases; `knows` says whether macenko's colours are known before.
void compare(const FilterDevice& device, int cases, int64_t most, uint64_t seed, bool knows) {
  Dice dice(seed);
  for (int i = 0; i < cases; ++i) {
    const Case c = random_case(dice, most);
    INFO(words_of(c));
    const MemoryImage image = noise(c.extent, c.grid, static_cast<uint64_t>(i) << 32);
    const bool same = on_device(device, c, image, knows) == on_host(c, image);
    REQUIRE(same);
  }
}

TEST_CASE("kernels make the bits of the CPU's rows, whatever tiles, chunks, batches and workers") {
  compare(stand_in(), 50, 110, 1, /*knows=*/true);
}

TEST_CASE("kernels make the bits of the CPU's rows on slides down to one pixel") {
  compare(stand_in(), 60, 6, 100000, /*knows=*/true);
}

TEST_CASE("a slide that is filtered at once has the same bits, and its tiles are decoded once") {
  const FilterDevice device = stand_in();
  for (const char* chain :
       {"none", "sobel", "gaussian:1.2,median", "macenko,sobel", "separation"}) {
    Case c{{90, 110}, {{32, 48}, -5, -7}, chain, {}, {}};
    c.options.region = {{13, 77}, {0, 101}};
    c.options.chunk = 24;
    c.options.workers = 3;
    const MemoryImage image = noise(c.extent, c.grid);
    const Chunks expected = on_host(c, image);
    c.options.reading = Reading::kGlobal;
    INFO(words_of(c));
    for (const bool knows : {true, false}) CHECK((on_device(device, c, image, knows) == expected));
  }
}

TEST_CASE("a slide that is filtered at once is refused where the device cannot hold it") {
  const FilterDevice device = stand_in();
  const auto refuses = [&](Extent extent, const char* text) {
    const MemoryImage image(extent, {}, {{512, 512}, 0, 0});
    TiledOptions options;
    options.region = whole(extent);
    options.reading = Reading::kGlobal;
    CHECK_THROWS_WITH(DeviceRun(device, image, parse_filters("sobel"), nullptr, options),
                      contains_text(text));
    CHECK(image.decoded() == 0);
  };
  refuses({100000, 100000}, "leave out --global, or use --device cpu");
  refuses({300000, 100}, "300000 rows are more than the 262140");
}

TEST_CASE("colours that macenko's table does not know yet are learnt on the way") {
  const FilterDevice device = stand_in();
  Case c{{90, 110}, {{32, 32}, 0, 0}, "macenko,median", {}, {2}};
  c.options.region = whole(c.extent);
  c.options.chunk = 16;
  for (const int workers : {1, 4}) {
    c.options.workers = workers;
    const MemoryImage image = noise(c.extent, c.grid);
    const bool same = on_device(device, c, image, /*knows_colors=*/false) == on_host(c, image);
    CHECK(same);
  }
}

TEST_CASE("what a device holds grows with a slide's width and not with its height") {
  const FilterDevice device = stand_in();
  const auto needs = [&](Extent extent) {
    const MemoryImage image(extent, {}, {{512, 512}, 0, 0});
    TiledOptions options;
    options.region = whole(extent);
    options.workers = 2;
    return DeviceRun(device, image, parse_filters("sobel"), nullptr, options).needs();
  };
  CHECK(needs({20000, 30000}).device_bytes == needs({200000, 30000}).device_bytes);
  CHECK(needs({20000, 30000}).host_bytes == needs({200000, 30000}).host_bytes);
  CHECK(needs({20000, 30000}).device_bytes < needs({20000, 60000}).device_bytes);
}

TEST_CASE("a device with too little memory is refused before anything is read") {
  const MemoryImage image({100000, 1000000}, {}, {{512, 512}, 0, 0});
  TiledOptions options;
  options.region = whole(image.extent());
  options.chunk = 4096;
  options.workers = 16;
  const FilterDevice device = stand_in();
  CHECK_THROWS_WITH(DeviceRun(device, image, parse_filters("sobel"), nullptr, options),
                    contains_text("of the CUDA device's memory"));
  CHECK(image.decoded() == 0);
}

TEST_CASE("an error of the writer or the reader ends a device's workers and is thrown once") {
  const FilterDevice device = stand_in();
  const MemoryImage image = noise({150, 210}, {{16, 16}, 0, 0});
  TiledOptions options;
  options.region = whole(image.extent());
  options.chunk = 20;
  options.workers = 4;
  DeviceRun run(device, image, parse_filters("sobel"), nullptr, options, {3});
  const auto fail = [](const Region& chunk, std::span<const uint8_t>) {
    if (chunk.rows.begin >= 40) throw DataError("the disk is full");
  };
  CHECK_THROWS_WITH(run.run(fail), "the disk is full");
}

TEST_CASE("devices that are not there, and builds without kernels, are refused with what to do") {
  CHECK_THROWS_WITH(FilterDevice(0, "libcuda_of_no_machine.so.1", kAnyKernels),
                    contains_text("no NVIDIA driver was found"));
  CHECK_THROWS_WITH(FilterDevice(3, UNTILED_STAND_IN_DRIVER, kAnyKernels),
                    contains_text("this machine has 1 CUDA device(s)"));
  CHECK_THROWS_WITH(FilterDevice(0, UNTILED_STAND_IN_DRIVER, ""),
                    contains_text("load the filters") && contains_text("update the driver"));
  for (const char* device : {"gpu", "cuda:", "cuda:x", "cuda:-1", ""}) {
    CHECK_THROWS_AS(FilterDevice::open(device), ConfigError);
  }
}

TEST_CASE("a GPU makes the bits of the CPU", "[gpu]") {
  const auto driver = CudaDriver::open();
  if (!driver || driver->device_count() == 0) UNTILED_SKIP("no CUDA device is here");
  if (driver->device(0).name == "the host") UNTILED_SKIP("a driver stands in for a GPU's");
  if (*filter_ptx() == 0) UNTILED_SKIP("this build has no kernels: nvcc was not found");
  const FilterDevice device = FilterDevice::open("cuda");
  compare(device, 300, 700, 7, /*knows=*/true);
  compare(device, 200, 6, 200000, /*knows=*/true);
  compare(device, 20, 150, 300000, /*knows=*/false);
}

}  // namespace
}  // namespace untiled::filters
