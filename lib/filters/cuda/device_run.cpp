#include "lib/filters/cuda/device_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "lib/core/error.h"
#include "lib/core/parallel.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"
#include "lib/filters/cuda/part_maker.h"
#include "lib/filters/filter_rows.h"
#include "lib/filters/tile_workers.h"

namespace untiled::filters {
namespace {

constexpr int64_t kBatchBytes = int64_t{32} << 20;

/// Chunks of one batch.
int64_t batch_of(const DeviceOptions& device, const TiledOptions& options, int64_t chunk_bytes) {
  const int64_t most = ceil_div(options.region.cols.size(), options.chunk);
  const int64_t wanted = device.batch > 0 ? device.batch : kBatchBytes / chunk_bytes;
  return std::clamp<int64_t>(wanted, 1, most);
}

/// Tiles of one batch: the host brings one after the other anyway.
int64_t tile_batch_of(const DeviceOptions& device, const CellLayout& tiles) {
  if (!device.tiles.takes_any()) return 1;
  const int64_t bytes = tiles.cell_rows() * tiles.cell_cols() * kChannels;
  const int64_t wanted = device.tile_batch > 0 ? device.tile_batch : kBatchBytes / bytes;
  return std::clamp<int64_t>(wanted, 1, tiles.cols());
}

Interval hull_of(const std::vector<Interval>& parts) {
  Interval all = parts.front();
  for (const Interval& part : parts) all = hull(all, part);
  return all;
}

/// A thread makes the device its own before it asks for anything.
const FilterDevice& used(const FilterDevice& device) {
  device.gpu().use();
  return device;
}

/// Calls what `make_body` gives each of some threads with each number below `count`, each once.
void for_each(int64_t count, int workers,
              const std::function<std::function<void(int64_t)>()>& make_body) {
  std::atomic<int64_t> next{0};
  const auto threads = static_cast<size_t>(std::max(1, workers));
  parallel_for(threads, static_cast<int>(threads), [&](size_t) {
    const auto body = make_body();
    for (int64_t i = next++; i < count; i = next++) {
      throw_if_stopped();
      body(i);
    }
  });
}

}  // namespace

/// One thread's batch of chunks, packed in the device's memory, on its way to whoever writes them.
class DeviceRun::Handing {
 public:
  Handing(const DeviceRun& run, const Outlet& outlet, int64_t batch, std::atomic<int64_t>& done)
      : run_(run),
        outlet_(outlet),
        done_(done),
        host_(used(run.device_).gpu(), outlet.from_host ? batch * run.chunk_bytes() : 0),
        device_(run.device_.gpu(), batch * run.chunk_bytes()) {}

  DeviceAddress address() const { return device_.address(); }
  /// Where a batch is made, cleared where it does not fill its chunks.
  Plane begin(GpuStream& stream, const Region& made) const {
    const int64_t side = run_.options_.chunk;
    const int64_t count = ceil_div(made.cols.size(), side);
    if (made.extent() != Extent{side, count * side}) {
      stream.clear(address(), count * run_.chunk_bytes());
    }
    Plane out = plane_of(address(), made, run_.chain_.pixel_bytes());
    out.row_bytes = side * run_.chain_.pixel_bytes();
    out.chunk_cols = static_cast<int32_t>(side);
    out.chunk_bytes = run_.chunk_bytes();
    return out;
  }
  /// Brings a batch that was made to the host, where it is written from there.
  void fetch(GpuStream& stream, const Region& made) const {
    const int64_t count = ceil_div(made.cols.size(), run_.options_.chunk);
    if (outlet_.from_host) {
      stream.copy_to_host(host_.data(), address(), count * run_.chunk_bytes());
    }
    stream.wait();
  }
  void hand_out(const Region& made) const {
    const Region& whole = run_.options_.region;
    int64_t at = 0;
    for (int64_t begin = made.cols.begin; begin < made.cols.end; begin += run_.options_.chunk) {
      const Interval cols = {begin, std::min(begin + run_.options_.chunk, made.cols.end)};
      hand_out(shift({made.rows, cols}, -whole.rows.begin, -whole.cols.begin), at);
      at += run_.chunk_bytes();
      advance();
    }
  }

 private:
  void hand_out(const Region& chunk, int64_t at) const {
    const int64_t bytes = run_.chunk_bytes();
    if (outlet_.from_host) {
      outlet_.from_host(chunk, {host_.data() + at, static_cast<size_t>(bytes)});
    } else {
      outlet_.from_device(chunk, address() + static_cast<DeviceAddress>(at), bytes);
    }
  }

  void advance() const {
    if (!run_.options_.progress) return;
    const Region& region = run_.options_.region;
    const int64_t all = ceil_div(region.rows.size(), run_.options_.chunk) *
                        ceil_div(region.cols.size(), run_.options_.chunk);
    run_.options_.progress(static_cast<double>(++done_) / static_cast<double>(all));
  }

  const DeviceRun& run_;
  const Outlet& outlet_;
  std::atomic<int64_t>& done_;
  PinnedMemory host_;
  DeviceMemory device_;
};

class DeviceRun::Worker final : public TileWorker {
 public:
  Worker(DeviceRun& run, const DeviceRing& ring, const Outlet& outlet, std::atomic<int64_t>& done)
      : run_(run),
        ring_(ring),
        loader_(used(run.device_).gpu(), run.source_, run.tiles_, run.tile_batch_, run.how_,
                run.loads_),
        chunks_(run, outlet, run.batch_, done),
        maker_(run.device_.gpu(), run.chain_, run.colors_.get(),
               {run.options_.chunk, run.options_.chunk * run.batch_}),
        stream_(run.device_.gpu()) {}

  void read(const Region& cell) override { loader_.load(stream_, ring_, run_.tiles_in(cell)); }

  void filter(int64_t row, int64_t col) override {
    const Region made = run_.batch_at(row, col);
    maker_.make(stream_, ring_, made, chunks_.begin(stream_, made));
    chunks_.fetch(stream_, made);
  }

  void write(int64_t row, int64_t col) override { chunks_.hand_out(run_.batch_at(row, col)); }

 private:
  DeviceRun& run_;
  const DeviceRing& ring_;
  TileLoader loader_;
  Handing chunks_;
  PartMaker maker_;
  GpuStream stream_;  // Goes first: work on it uses the others' memory.
};

DeviceRun::DeviceRun(const FilterDevice& device, const PixelSource& source,
                     const std::vector<FilterSpec>& chain,
                     std::shared_ptr<const Recoloring> recoloring, const TiledOptions& options,
                     const DeviceOptions& device_options)
    : device_(used(device)),
      source_(source),
      options_(options),
      how_(device_options.tiles),
      tiles_(source),
      tile_batch_(tile_batch_of(device_options, tiles_)),
      cells_(tiles_.joined(tile_batch_)),
      colors_(recoloring ? std::make_unique<DeviceColors>(device.gpu(), std::move(recoloring))
                         : nullptr),
      chain_(device, chain, colors_ ? colors_->address() : 0, source.extent()),
      batch_(is_global() ? 1 : batch_of(device_options, options, chunk_bytes())),
      grid_(cut_into_chunks(options.region, {options.chunk, options.chunk * batch_},
                            [this](const Region& out) { return chain_.input_of(out); })),
      needed_cols_(hull_of(grid_.input_cols)),
      plan_(plan_tiles(cells_, grid_)) {
  // The next row of batches is read while one is filtered and written.
  const int64_t ring = plan_.ring + ceil_div(options.chunk, cells_.cell_rows());
  plan_.ring = is_global() ? plan_.cell_rows.size() : std::min(ring, plan_.cell_rows.size());
  needs_ = all_needs();
  require_possible();
}

DeviceRun::~DeviceRun() = default;

Region DeviceRun::batch_at(int64_t row, int64_t col) const {
  return {grid_.rows[static_cast<size_t>(row)], grid_.cols[static_cast<size_t>(col)]};
}

int64_t DeviceRun::chunk_bytes() const {
  return options_.chunk * options_.chunk * chain_.pixel_bytes();
}

std::vector<Region> DeviceRun::tiles_in(const Region& cell) const {
  const Interval rows = tiles_.rows_of(cell.rows);
  const Interval cols = tiles_.cols_of(intersect(cell.cols, needed_cols_));
  std::vector<Region> tiles;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    for (int64_t col = cols.begin; col < cols.end; ++col) tiles.push_back(tiles_.region(row, col));
  }
  return tiles;
}

DeviceNeeds DeviceRun::all_needs() const {
  const TileLoader::Needs loader = TileLoader::needs(tiles_, tile_batch_, how_);
  const int64_t chunks = batch_ * chunk_bytes();
  const int64_t loads = options_.workers * loader.device_bytes + DeviceRing::bytes(cells_, plan_);
  const int64_t host = options_.workers * (loader.host_bytes + chunks);
  if (is_global()) {
    const int64_t made = options_.region.area() * chain_.pixel_bytes() +
                         2 * chain_.step_bytes(options_.region.extent());
    return {host, loads + made + options_.workers * chunks};
  }
  const int64_t steps = 2 * chain_.step_bytes({options_.chunk, options_.chunk * batch_});
  return {host, loads + options_.workers * (chunks + steps)};
}

void DeviceRun::require_possible() const {
  const int64_t rows = chain_.input_of(options_.region).rows.size();
  if (is_global() && rows > GpuStream::kMostDown) {
    throw ConfigError(
        fmt::format("--global: {} rows are more than the {} that a CUDA device "
                    "filters at once; leave it out",
                    rows, GpuStream::kMostDown));
  }
  const int64_t free = device_.gpu().free_bytes();
  if (needs_.device_bytes <= free) return;
  throw ConfigError(fmt::format(
      "the filters need {} of the CUDA device's memory, {} are free; {}, or use --device cpu",
      format_bytes(needs_.device_bytes), format_bytes(free),
      is_global() ? "leave out --global" : "take smaller chunks and fewer workers"));
}

TiledCounts DeviceRun::run(const ChunkWriter& write) { return run_to({write, {}}); }

TiledCounts DeviceRun::run_on_device(const DeviceChunkWriter& write) { return run_to({{}, write}); }

TiledCounts DeviceRun::run_to(const Outlet& outlet) {
  is_global() ? run_global(outlet) : run_tiled(outlet);
  return {plan_.cell_rows.size() * tiles_.cols_of(needed_cols_).size(), needs_.host_bytes};
}

void DeviceRun::run_tiled(const Outlet& outlet) {
  const DeviceRing ring(used(device_).gpu(), cells_, plan_);
  std::atomic<int64_t> done{0};
  run_tile_workers(cells_, grid_, plan_, options_.workers,
                   [&] { return std::make_unique<Worker>(*this, ring, outlet, done); });
}

void DeviceRun::run_global(const Outlet& outlet) {
  const Region& region = options_.region;
  const Gpu& gpu = used(device_).gpu();
  const DeviceMemory result(gpu, region.area() * chain_.pixel_bytes());
  {
    const DeviceRing ring(gpu, cells_, plan_);
    load_all(ring);
    GpuStream stream(gpu);
    PartMaker maker(gpu, chain_, colors_.get(), region.extent());
    maker.make(stream, ring, region, plane_of(result.address(), region, chain_.pixel_bytes()));
  }
  cut_out_all(result, outlet);
}

void DeviceRun::load_all(const DeviceRing& ring) {
  struct Loading {
    explicit Loading(DeviceRun& run)
        : loader(used(run.device_).gpu(), run.source_, run.tiles_, run.tile_batch_, run.how_,
                 run.loads_),
          stream(run.device_.gpu()) {}
    TileLoader loader;
    GpuStream stream;
  };
  const int64_t cols = plan_.cell_cols.size();
  for_each(plan_.cell_rows.size() * cols, options_.workers, [&] {
    const auto loading = std::make_shared<Loading>(*this);
    return [=, this, &ring](int64_t i) {
      const Region cell =
          cells_.region(plan_.cell_rows.begin + i / cols, plan_.cell_cols.begin + i % cols);
      loading->loader.load(loading->stream, ring, tiles_in(cell));
    };
  });
}

void DeviceRun::cut_out_all(const DeviceMemory& result, const Outlet& outlet) {
  std::atomic<int64_t> done{0};
  const Region& region = options_.region;
  const int64_t pixel_bytes = chain_.pixel_bytes();
  const auto cols = static_cast<int64_t>(grid_.cols.size());
  for_each(static_cast<int64_t>(grid_.rows.size()) * cols, options_.workers, [&] {
    const auto stream = std::make_shared<GpuStream>(used(device_).gpu());
    const auto chunk = std::make_shared<Handing>(*this, outlet, 1, done);
    return [=, this, &result](int64_t i) {
      const Region made = batch_at(i / cols, i % cols);
      const int64_t first = (made.rows.begin - region.rows.begin) * region.cols.size() +
                            made.cols.begin - region.cols.begin;
      chunk->begin(*stream, made);
      stream->copy_rows_on_device(
          chunk->address(), options_.chunk * pixel_bytes,
          result.address() + static_cast<DeviceAddress>(first * pixel_bytes),
          region.cols.size() * pixel_bytes, made.cols.size() * pixel_bytes, made.rows.size());
      chunk->fetch(*stream, made);
      chunk->hand_out(made);
    };
  });
}

}  // namespace untiled::filters
