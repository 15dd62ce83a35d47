#include "lib/filters/cuda/device_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/filters/filter_rows.h"
#include "lib/filters/row_stride.h"
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

/// A thread makes the device its own before it asks for anything.
const FilterDevice& used(const FilterDevice& device) {
  device.gpu().use();
  return device;
}

}  // namespace

/// Macenko's table on the device, where one colour after the other becomes known.
class DeviceRun::Colors {
 public:
  Colors(const Gpu& gpu, std::shared_ptr<const Recoloring> recoloring)
      : recoloring_(std::move(recoloring)), memory_(gpu, Recoloring::kMostBytes) {
    GpuStream stream(gpu);
    upload(stream);
  }

  DeviceAddress address() const { return memory_.address(); }

  /// Nothing is learnt as long as somebody holds one.
  std::shared_lock<std::shared_mutex> reading() { return std::shared_lock(mutex_); }

  /// Makes the colours of these pixels known, on the device too.
  void learn(GpuStream& stream, const std::vector<uint8_t>& rgb) {
    const std::unique_lock lock(mutex_);
    std::vector<uint8_t> recolored(rgb.size());
    recoloring_->apply(rgb.data(), static_cast<int64_t>(rgb.size()) / kChannels, recolored.data());
    upload(stream);
  }

 private:
  void upload(GpuStream& stream) {
    stream.copy_to_device(memory_.address(), recoloring_->table(), Recoloring::kMostBytes);
    stream.wait();
  }

  std::shared_ptr<const Recoloring> recoloring_;
  DeviceMemory memory_;
  std::shared_mutex mutex_;
};

/// A ring of rows of the slide's tiles, on the device.
class DeviceRun::Ring {
 public:
  Ring(const Gpu& gpu, const CellLayout& cells, const TilePlan& plan)
      : first_row_(cells.first_row()),
        cols_(pixel_cols(cells, plan)),
        rows_(plan.ring * cells.cell_rows()),
        memory_(gpu, bytes(cells, plan)) {}

  Plane plane() const {
    Plane plane = plane_of(memory_.address(), {{first_row_, first_row_ + rows_}, cols_}, kChannels);
    plane.row_bytes = row_stride(plane.row_bytes);
    plane.ring_rows = static_cast<int32_t>(rows_);
    return plane;
  }
  DeviceAddress at(int64_t row, int64_t col) const {
    return memory_.address() +
           static_cast<DeviceAddress>((row - first_row_) % rows_ * plane().row_bytes +
                                      (col - cols_.begin) * kChannels);
  }

  static int64_t bytes(const CellLayout& cells, const TilePlan& plan) {
    return plan.ring * cells.cell_rows() * row_stride(pixel_cols(cells, plan).size() * kChannels);
  }

 private:
  int64_t first_row_;
  Interval cols_;
  int64_t rows_;
  DeviceMemory memory_;
};

class DeviceRun::Worker final : public TileWorker {
 public:
  Worker(DeviceRun& run, const Ring& ring, const Outlet& outlet, std::atomic<int64_t>& done)
      : run_(run),
        ring_(ring),
        outlet_(outlet),
        done_(done),
        stream_(used(run.device_).gpu()),
        cell_(run.device_.gpu(), run.cells_.cell_rows() * run.cells_.cell_cols() * kChannels),
        chunks_(run.device_.gpu(), outlet.from_host ? run.batch_ * run.chunk_bytes() : 0),
        flag_(run.device_.gpu(), sizeof(uint32_t)),
        device_chunks_(run.device_.gpu(), run.batch_ * run.chunk_bytes()),
        device_flag_(run.device_.gpu(), sizeof(uint32_t)),
        even_(run.device_.gpu(), run.chain_.step_bytes(batch_extent())),
        odd_(run.device_.gpu(), run.chain_.step_bytes(batch_extent())) {}

  void read(const Region& cell) override {
    Bytes missing;  // Such pixels have the background's colour, which is filtered as any other.
    const int64_t row_bytes = cell.cols.size() * kChannels;
    run_.source_.read_into(cell,
                           {cell, static_cast<int>(kChannels), cell_.data(), row_bytes, &missing});
    stream_.copy_rows_to_device(ring_.at(cell.rows.begin, cell.cols.begin), ring_.plane().row_bytes,
                                cell_.data(), row_bytes, row_bytes, cell.rows.size());
    stream_.wait();
  }

  void filter(int64_t row, int64_t col) override {
    const Region made = run_.batch_at(row, col);
    make(made);
    if (*reinterpret_cast<const uint32_t*>(flag_.data()) == 0) return;
    run_.colors_->learn(stream_, download(run_.chain_.input_of(made)));
    make(made);
  }

  void write(int64_t row, int64_t col) override {
    const Region made = run_.batch_at(row, col);
    int64_t at = 0;
    for (int64_t begin = made.cols.begin; begin < made.cols.end; begin += run_.options_.chunk) {
      const Interval cols = {begin, std::min(begin + run_.options_.chunk, made.cols.end)};
      const Region& whole = run_.options_.region;
      hand_out(shift({made.rows, cols}, -whole.rows.begin, -whole.cols.begin), at);
      at += run_.chunk_bytes();
      advance();
    }
  }

 private:
  void hand_out(const Region& chunk, int64_t at) {
    const int64_t bytes = run_.chunk_bytes();
    if (outlet_.from_host) {
      outlet_.from_host(chunk, {chunks_.data() + at, static_cast<size_t>(bytes)});
    } else {
      outlet_.from_device(chunk, device_chunks_.address() + static_cast<DeviceAddress>(at), bytes);
    }
  }

  Extent batch_extent() const { return {run_.options_.chunk, run_.options_.chunk * run_.batch_}; }

  void make(const Region& made) {
    std::shared_lock<std::shared_mutex> lock;
    if (run_.colors_) lock = run_.colors_->reading();
    const int64_t side = run_.options_.chunk;
    const int64_t count = ceil_div(made.cols.size(), side);
    const int64_t bytes = count * run_.chunk_bytes();
    const bool fills_all = made.rows.size() == side && made.cols.size() == count * side;
    if (!fills_all) stream_.clear(device_chunks_.address(), bytes);
    stream_.clear(device_flag_.address(), sizeof(uint32_t));
    Plane out = plane_of(device_chunks_.address(), made, run_.chain_.pixel_bytes());
    out.row_bytes = side * run_.chain_.pixel_bytes();
    out.chunk_cols = static_cast<int32_t>(side);
    out.chunk_bytes = run_.chunk_bytes();
    run_.chain_.run(stream_, ring_.plane(), made, out, {even_, odd_, device_flag_.address()});
    if (outlet_.from_host) {
      stream_.copy_to_host(chunks_.data(), device_chunks_.address(), bytes);
    }
    stream_.copy_to_host(flag_.data(), device_flag_.address(), sizeof(uint32_t));
    stream_.wait();
  }

  std::vector<uint8_t> download(const Region& region) {
    const auto row_bytes = static_cast<size_t>(region.cols.size() * kChannels);
    std::vector<uint8_t> rgb(static_cast<size_t>(region.rows.size()) * row_bytes);
    uint8_t* to = rgb.data();
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row, to += row_bytes) {
      stream_.copy_to_host(to, ring_.at(row, region.cols.begin), static_cast<int64_t>(row_bytes));
    }
    stream_.wait();
    return rgb;
  }

  void advance() {
    if (!run_.options_.progress) return;
    const Region& region = run_.options_.region;
    const int64_t all = ceil_div(region.rows.size(), run_.options_.chunk) *
                        ceil_div(region.cols.size(), run_.options_.chunk);
    run_.options_.progress(static_cast<double>(++done_) / static_cast<double>(all));
  }

  DeviceRun& run_;
  const Ring& ring_;
  const Outlet& outlet_;
  std::atomic<int64_t>& done_;
  GpuStream stream_;
  PinnedMemory cell_;
  PinnedMemory chunks_;
  PinnedMemory flag_;
  DeviceMemory device_chunks_;
  DeviceMemory device_flag_;
  DeviceMemory even_;
  DeviceMemory odd_;
};

DeviceRun::DeviceRun(const FilterDevice& device, const PixelSource& source,
                     const std::vector<FilterSpec>& chain,
                     std::shared_ptr<const Recoloring> recoloring, const TiledOptions& options,
                     const DeviceOptions& device_options)
    : device_(used(device)),
      source_(source),
      options_(options),
      cells_(source),
      colors_(recoloring ? std::make_unique<Colors>(device.gpu(), std::move(recoloring)) : nullptr),
      chain_(device, chain, colors_ ? colors_->address() : 0, source.extent()),
      batch_(batch_of(device_options, options, chunk_bytes())),
      grid_(cut_into_chunks(options.region, {options.chunk, options.chunk * batch_},
                            [this](const Region& out) { return chain_.input_of(out); })),
      plan_(plan_tiles(cells_, grid_)) {
  // The next row of batches is read while one is filtered and written.
  plan_.ring =
      std::min(plan_.ring + ceil_div(options.chunk, cells_.cell_rows()), plan_.cell_rows.size());
  needs_ = worker_needs();
  needs_.host_bytes *= options.workers;
  needs_.device_bytes = needs_.device_bytes * options.workers + Ring::bytes(cells_, plan_);
  require_memory();
}

DeviceRun::~DeviceRun() = default;

Region DeviceRun::batch_at(int64_t row, int64_t col) const {
  return {grid_.rows[static_cast<size_t>(row)], grid_.cols[static_cast<size_t>(col)]};
}

int64_t DeviceRun::chunk_bytes() const {
  return options_.chunk * options_.chunk * chain_.pixel_bytes();
}

DeviceNeeds DeviceRun::worker_needs() const {
  const int64_t chunks = batch_ * chunk_bytes();
  const int64_t cell = cells_.cell_rows() * cells_.cell_cols() * kChannels;
  return {cell + chunks, chunks + 2 * chain_.step_bytes({options_.chunk, options_.chunk * batch_})};
}

void DeviceRun::require_memory() const {
  const int64_t free = device_.gpu().free_bytes();
  if (needs_.device_bytes <= free) return;
  throw ConfigError(
      fmt::format("the filters need {} of the CUDA device's memory, {} are free; take smaller "
                  "chunks and fewer workers, or use --device cpu",
                  format_bytes(needs_.device_bytes), format_bytes(free)));
}

TiledCounts DeviceRun::run(const ChunkWriter& write) { return run_to({write, {}}); }

TiledCounts DeviceRun::run_on_device(const DeviceChunkWriter& write) { return run_to({{}, write}); }

TiledCounts DeviceRun::run_to(const Outlet& outlet) {
  const Ring ring(used(device_).gpu(), cells_, plan_);
  std::atomic<int64_t> done{0};
  run_tile_workers(cells_, grid_, plan_, options_.workers,
                   [&] { return std::make_unique<Worker>(*this, ring, outlet, done); });
  return {plan_.cell_rows.size() * plan_.cell_cols.size(), needs_.host_bytes};
}

}  // namespace untiled::filters
