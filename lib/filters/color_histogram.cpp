#include "lib/filters/color_histogram.h"

#include <algorithm>
#include <atomic>

#include "lib/core/parallel.h"
#include "lib/core/stop.h"
#include "lib/filters/cell_layout.h"

namespace untiled::filters {
namespace {

constexpr uint64_t kMostPixels = 0xFFFFFFFFU;

constexpr auto kTotalBytes = kColors * static_cast<int64_t>(sizeof(uint64_t));
constexpr auto kWorkerBytes = kColors * static_cast<int64_t>(sizeof(uint32_t));

ColorHistogram listed(const uint64_t* totals) {
  ColorHistogram histogram;
  for (int64_t key = 0; key < kColors; ++key) {
    if (totals[key] == 0) continue;
    histogram.keys.push_back(static_cast<uint32_t>(key));
    histogram.counts.push_back(totals[key]);
  }
  return histogram;
}

/// What all workers counted.
class Totals {
 public:
  void take(ColorCounts& counts) {
    const std::lock_guard lock(mutex_);
    counts.move_into(totals());
  }
  ColorHistogram histogram() const { return listed(totals()); }

 private:
  uint64_t* totals() const { return reinterpret_cast<uint64_t*>(memory_.data()); }

  std::mutex mutex_;
  MappedMemory memory_{kTotalBytes};
};

}  // namespace

ColorCounts::ColorCounts() : memory_(kWorkerBytes) {}

uint32_t* ColorCounts::counts() const { return reinterpret_cast<uint32_t*>(memory_.data()); }

void ColorCounts::add(const PixelBlock& block) {
  const int64_t pixels = block.region.area();
  pixels_ += static_cast<uint64_t>(pixels);
  uint32_t* const count = counts();
  const uint8_t* rgb = block.bytes.data();
  if (block.missing.empty()) {
    for (int64_t i = 0; i < pixels; ++i, rgb += 3) ++count[color_key(rgb)];
    return;
  }
  for (int64_t i = 0; i < pixels; ++i, rgb += 3) {
    if (block.missing[static_cast<size_t>(i)] == 0) ++count[color_key(rgb)];
  }
}

void ColorCounts::move_into(uint64_t* totals) {
  for (int64_t key = 0; key < kColors; ++key) {
    if (counts()[key] != 0) totals[key] += counts()[key];
  }
  memory_.release(0, memory_.size_bytes());
  pixels_ = 0;
}

ColorCount count_colors(const PixelSource& source, int workers) {
  const CellLayout layout(source);
  Totals totals;
  std::atomic<int64_t> next{0};
  const auto threads = static_cast<size_t>(std::max(1, workers));
  parallel_for(threads, static_cast<int>(threads), [&](size_t) {
    ColorCounts counts;
    for (int64_t cell = next++; cell < layout.count(); cell = next++) {
      throw_if_stopped();
      const Region region = layout.region(cell);
      if (counts.pixels() + static_cast<uint64_t>(region.area()) > kMostPixels) totals.take(counts);
      counts.add(source.read(region));
    }
    totals.take(counts);
  });
  return {totals.histogram(), layout.count()};
}

int64_t counting_bytes(int workers) { return kTotalBytes + workers * kWorkerBytes; }

}  // namespace untiled::filters
