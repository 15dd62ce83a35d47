#include "lib/filters/tiled_run.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <utility>

#include "lib/core/mapped_memory.h"
#include "lib/core/parallel.h"
#include "lib/core/stop.h"
#include "lib/filters/cell_ring.h"
#include "lib/filters/filter_rows.h"
#include "lib/filters/row_stride.h"
#include "lib/filters/tile_workers.h"

namespace untiled::filters {
namespace {

ChunkGrid chunk_grid_of(const ChainRun& chain, const TiledOptions& options) {
  return cut_into_chunks(options.region, {options.chunk, options.chunk},
                         [&](const Region& out) { return chain.input_of(out); });
}

/// Whether no cell is needed by two chunks.
bool have_own_cells(const Interval& region, int64_t chunk, int64_t first, int64_t cell,
                    const std::vector<Interval>& parts, const std::vector<Interval>& inputs) {
  return parts == inputs &&
         (parts.size() == 1 || ((region.begin - first) % cell == 0 && chunk % cell == 0));
}

/// Whole groups of rows that the last filter makes at once, where so many fit.
int64_t rows_of_bands(const std::vector<RowFilter>& chain, const TiledOptions& options,
                      size_t pixel_bytes) {
  const int64_t rows = options.band_bytes / (options.chunk * static_cast<int64_t>(pixel_bytes));
  const int64_t group = chain.empty() ? 1 : chain.back().rows_at_once;
  return std::clamp<int64_t>(rows / group * group, 1, options.chunk);
}

/// A worker's chunk in the making: a band of its rows, or all of them.
class Chunk {
 public:
  Chunk(int64_t side, int64_t rows, size_t pixel_bytes)
      : side_(side),
        rows_(rows),
        pixel_bytes_(pixel_bytes),
        row_bytes_(side * static_cast<int64_t>(pixel_bytes)),
        memory_(rows * row_bytes_) {}

  uint8_t* row(int64_t row) { return memory_.data() + row * row_bytes_; }
  int64_t row_bytes() const { return row_bytes_; }
  /// Of the band, in the chunk.
  Interval rows() const { return band_; }
  std::span<const uint8_t> bytes() const {
    return {memory_.data(), static_cast<size_t>(band_.size() * row_bytes_)};
  }

  void begin() { band_ = {0, rows_}; }
  bool has_next() const { return band_.end < side_; }
  void go_on() { band_ = {band_.end, std::min(band_.end + rows_, side_)}; }

  /// Zeros beyond what a cut chunk holds of the band.
  void clear_beyond(const Extent& extent) {
    const auto used = static_cast<size_t>(extent.cols) * pixel_bytes_;
    const auto all = static_cast<size_t>(row_bytes_);
    for (int64_t r = 0; r < extent.rows && used < all; ++r)
      std::memset(row(r) + used, 0, all - used);
    const auto begin = static_cast<size_t>(extent.rows * row_bytes_);
    std::memset(memory_.data() + begin, 0, bytes().size() - begin);
  }

 private:
  int64_t side_;
  int64_t rows_;
  size_t pixel_bytes_;
  int64_t row_bytes_;
  Interval band_;
  MappedMemory memory_;
};

/// What all ways of running have in common: chunks are made of rows and handed out.
class Run {
 public:
  Run(const PixelSource& source, const std::vector<RowFilter>& chain, const TiledOptions& options,
      int64_t band_rows, BandWriter write)
      : source_(source),
        chain_(chain),
        options_(options),
        band_rows_(band_rows),
        write_(std::move(write)),
        cells_(source),
        grid_(chunk_grid_of(ChainRun(chain, source.extent()), options)),
        plan_(plan_tiles(cells_, grid_)),
        pixel_bytes_(ChainRun(chain, source.extent()).pixel_bytes()) {}

  int64_t held_bytes() const {
    const auto row = options_.chunk * static_cast<int64_t>(pixel_bytes_);
    const int64_t chunk = row * band_rows_;
    const Region& region = options_.region;
    const int64_t own_input =
        (options_.chunk + cells_.cell_rows()) * (options_.chunk + cells_.cell_cols()) * kChannels;
    if (options_.reading == Reading::kGlobal) {
      return source_.extent().rows * row_stride(source_.extent().cols * kChannels) +
             region.area() * static_cast<int64_t>(pixel_bytes_) + options_.workers * chunk;
    }
    if (has_own_cells()) {
      return options_.workers * (chain_.empty() ? row * options_.chunk : chunk + own_input);
    }
    return CellRing::bytes(cells_, plan_) + options_.workers * chunk;
  }

  TiledCounts run() {
    if (options_.reading == Reading::kGlobal) {
      run_global();
    } else if (has_own_cells()) {
      run_chunks();
    } else {
      run_ring();
    }
    return {decoded_, held_bytes()};
  }

 private:
  bool has_own_cells() const {
    return have_own_cells(options_.region.rows, options_.chunk, cells_.first_row(),
                          cells_.cell_rows(), grid_.rows, grid_.input_rows) &&
           have_own_cells(options_.region.cols, options_.chunk, cells_.first_col(),
                          cells_.cell_cols(), grid_.cols, grid_.input_cols);
  }

  Region chunk_at(int64_t row, int64_t col) const {
    return {grid_.rows[static_cast<size_t>(row)], grid_.cols[static_cast<size_t>(col)]};
  }

  std::shared_ptr<Chunk> new_chunk(int64_t rows) const {
    return std::make_shared<Chunk>(options_.chunk, rows, pixel_bytes_);
  }

  void hand_out(const Region& region, const Chunk& chunk) const {
    write_(shift(region, -options_.region.rows.begin, -options_.region.cols.begin),
           chunk.rows().begin, chunk.bytes());
  }

  /// Has the bands of a chunk made, each from the rows of the image that it holds, and hands out
  /// all but the last.
  template <typename Make>
  void make_bands(const Region& region, Chunk& chunk, const Make& make) const {
    for (chunk.begin();; chunk.go_on()) {
      const Interval rows = intersect(shift(chunk.rows(), region.rows.begin), region.rows);
      if (!rows.empty()) make(rows);
      chunk.clear_beyond({rows.size(), region.cols.size()});
      if (!chunk.has_next()) return;
      hand_out(region, chunk);
    }
  }

  void finish(const Region& region, const Chunk& chunk) {
    hand_out(region, chunk);
    if (!options_.progress) return;
    const auto all = static_cast<double>(grid_.rows.size() * grid_.cols.size());
    options_.progress(static_cast<double>(++done_) / all);
  }

  void filter(ChainRun& chain, const PixelRows& pixels, const Region& region, Chunk& chunk) const {
    chain.begin(pixels, region);
    make_bands(region, chunk, [&](const Interval& rows) {
      chain.make_rows(rows, {chunk.row(0), chunk.row_bytes()});
    });
  }

  void for_each_worker(const std::function<void()>& work) {
    const auto workers = static_cast<size_t>(std::max(1, options_.workers));
    parallel_for(workers, static_cast<int>(workers), [&](size_t) { work(); });
  }

  /// Calls `body` with each number below `count`, each once.
  void for_each(int64_t count, const std::function<std::function<void(int64_t)>()>& make_body) {
    std::atomic<int64_t> next{0};
    for_each_worker([&] {
      const auto body = make_body();
      for (int64_t i = next++; i < count; i = next++) {
        throw_if_stopped();
        body(i);
      }
    });
  }

  int64_t chunks() const { return static_cast<int64_t>(grid_.rows.size() * grid_.cols.size()); }
  Region chunk_at(int64_t index) const {
    const auto cols = static_cast<int64_t>(grid_.cols.size());
    return chunk_at(index / cols, index % cols);
  }

  /// No ring: a chunk's cells are nobody else's.
  void run_chunks() {
    decoded_ = plan_.cell_rows.size() * plan_.cell_cols.size();
    for_each(chunks(), [&] {
      const auto chunk = new_chunk(chain_.empty() ? options_.chunk : band_rows_);
      const auto chain = std::make_shared<ChainRun>(chain_, source_.extent());
      const auto input = std::make_shared<Bytes>();
      return [=, this](int64_t index) {
        const Region region = chunk_at(index);
        if (chain_.empty()) return copy(region, *chunk);
        input->resize(static_cast<size_t>(region.area() * kChannels));
        const int64_t row_bytes = region.cols.size() * kChannels;
        read(region, {input->data(), row_bytes});
        filter(*chain,
               {input->data(), row_bytes, region.rows.begin, region.cols.begin, region.rows.size()},
               region, *chunk);
        finish(region, *chunk);
      };
    });
  }

  void read(const Region& region, const RowsTarget& to) const {
    Bytes missing;  // Such pixels have the background's colour.
    source_.read_into(region, {region, static_cast<int>(kChannels), to.data, to.row_bytes, &missing,
                               to.next_read});
  }

  /// Its cells go to a whole chunk at once.
  void copy(const Region& region, Chunk& chunk) {
    make_bands(region, chunk, [&](const Interval&) {
      read(region, {chunk.row(0), chunk.row_bytes()});
    });
    finish(region, chunk);
  }

  class Worker;
  void run_ring();

  void run_global() {
    const Extent slide = source_.extent();
    const int64_t row_bytes = row_stride(slide.cols * kChannels);
    MappedMemory pixels(slide.rows * row_bytes);
    const NextRead filtered = next_read_of(pixels.size_bytes());
    decoded_ = cells_.count();
    for_each(cells_.count(), [&] {
      return [&](int64_t index) {
        const Region cell = cells_.region(index);
        uint8_t* first = pixels.data() + cell.rows.begin * row_bytes + cell.cols.begin * kChannels;
        read(cell, {first, row_bytes, filtered});
      };
    });
    const PixelRows rows{pixels.data(), row_bytes, 0, 0, slide.rows};
    const int64_t out_bytes = options_.region.cols.size() * static_cast<int64_t>(pixel_bytes_);
    MappedMemory result(options_.region.rows.size() * out_bytes);
    filter_whole(rows, {result.data(), out_bytes, next_read_of(result.size_bytes())});
    for_each(chunks(), [&] {
      const auto chunk = new_chunk(band_rows_);
      return [&, chunk, this](int64_t index) { cut_out(result.data(), out_bytes, index, *chunk); };
    });
  }

  void filter_whole(const PixelRows& pixels, const RowsTarget& result) {
    const std::vector<Region> parts = parts_of_whole();
    for_each(static_cast<int64_t>(parts.size()), [&] {
      const auto chain = std::make_shared<ChainRun>(chain_, source_.extent());
      return [&, chain, this](int64_t index) {
        const Region& part = parts[static_cast<size_t>(index)];
        RowsTarget place = result;
        place.data += place_of(part, result.row_bytes);
        chain->make(pixels, part, place);
      };
    });
  }

  /// Chunks, so that what filters keep of rows fits the caches. Those that see no neighbours keep
  /// nothing, and memory is fastest along whole rows.
  std::vector<Region> parts_of_whole() const {
    constexpr int64_t kRows = 64;
    const bool sees_neighbours = std::any_of(
        chain_.begin(), chain_.end(), [](const RowFilter& filter) { return filter.halo > 0; });
    const Region& all = options_.region;
    std::vector<Region> parts =
        tile_grid(all.extent(), sees_neighbours ? Extent{options_.chunk, options_.chunk}
                                                : Extent{kRows, all.cols.size()});
    for (Region& part : parts) part = shift(part, all.rows.begin, all.cols.begin);
    return parts;
  }

  /// Where a part's first pixel lies in a result of such rows.
  int64_t place_of(const Region& part, int64_t out_bytes) const {
    return (part.rows.begin - options_.region.rows.begin) * out_bytes +
           (part.cols.begin - options_.region.cols.begin) * static_cast<int64_t>(pixel_bytes_);
  }

  void cut_out(const uint8_t* result, int64_t out_bytes, int64_t index, Chunk& chunk) {
    const Region region = chunk_at(index);
    const auto bytes = static_cast<size_t>(region.cols.size()) * pixel_bytes_;
    make_bands(region, chunk, [&](const Interval& rows) {
      const uint8_t* from = result + place_of({rows, region.cols}, out_bytes);
      for (int64_t row = 0; row < rows.size(); ++row, from += out_bytes) {
        std::memcpy(chunk.row(row), from, bytes);
      }
    });
    finish(region, chunk);
  }

  const PixelSource& source_;
  const std::vector<RowFilter>& chain_;
  const TiledOptions& options_;
  int64_t band_rows_;
  BandWriter write_;
  CellLayout cells_;
  ChunkGrid grid_;
  TilePlan plan_;
  size_t pixel_bytes_;
  int64_t decoded_ = 0;
  std::atomic<int64_t> done_{0};
};

/// Makes chunks from a ring.
class Run::Worker final : public TileWorker {
 public:
  Worker(Run& run, const CellRing& ring)
      : run_(run),
        ring_(ring),
        chunk_(run.new_chunk(run.band_rows_)),
        chain_(run.chain_, run.source_.extent()) {}

  void read(const Region& cell) override { ring_.read(cell); }
  void filter(int64_t row, int64_t col) override {
    run_.filter(chain_, ring_.pixels(), run_.chunk_at(row, col), *chunk_);
  }
  void write(int64_t row, int64_t col) override { run_.finish(run_.chunk_at(row, col), *chunk_); }

 private:
  Run& run_;
  const CellRing& ring_;
  std::shared_ptr<Chunk> chunk_;
  ChainRun chain_;
};

void Run::run_ring() {
  decoded_ = plan_.cell_rows.size() * plan_.cell_cols.size();
  const CellRing ring(source_, cells_, plan_);
  run_tile_workers(cells_, grid_, plan_, options_.workers,
                   [&] { return std::make_unique<Worker>(*this, ring); });
}

Run whole_chunks(const PixelSource& source, const std::vector<RowFilter>& chain,
                 const TiledOptions& options, const ChunkWriter& write) {
  return {source, chain, options, options.chunk,
          [&write](const Region& chunk, int64_t /*first_row*/, std::span<const uint8_t> bytes) {
            write(chunk, bytes);
          }};
}

}  // namespace

int64_t tiled_bytes(const PixelSource& source, const std::vector<RowFilter>& chain,
                    const TiledOptions& options) {
  return whole_chunks(source, chain, options, {}).held_bytes();
}

TiledCounts run_tiled(const PixelSource& source, const std::vector<RowFilter>& chain,
                      const TiledOptions& options, const ChunkWriter& write) {
  return whole_chunks(source, chain, options, write).run();
}

TiledCounts run_tiled_by_bands(const PixelSource& source, const std::vector<RowFilter>& chain,
                               const TiledOptions& options, const BandWriter& write) {
  const size_t pixel_bytes = ChainRun(chain, source.extent()).pixel_bytes();
  const int64_t rows = rows_of_bands(chain, options, pixel_bytes);
  return Run(source, chain, options, rows, write).run();
}

}  // namespace untiled::filters
