#include "data/loader/region_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "data/loader/shared_reads.h"
#include "lib/core/byte_queue.h"
#include "lib/core/error.h"

namespace untiled {

struct RegionLoader::Counters {
  std::mutex mutex;
  LoaderStatistics totals;
};

namespace {

using Clock = std::chrono::steady_clock;

std::string with_region(const std::string& message, const Region& region) {
  const std::string name = to_string(region);
  if (message.find(name) != std::string::npos) return message;
  return fmt::format("{} (while reading {})", message, name);
}

/// Calls `read`; whatever fails comes out as one of the program's kinds and names the region.
template <typename Read>
PixelView read_named(const Region& region, Read read) {
  try {
    return read();
  } catch (const Interrupted&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const ConfigError& error) {
    throw ConfigError(with_region(error.what(), region));
  } catch (const InternalError& error) {
    throw InternalError(with_region(error.what(), region));
  } catch (const std::exception& error) {
    throw DataError(with_region(error.what(), region));
  }
}

std::unique_ptr<SharedReads> share_reads(const std::shared_ptr<const PixelSource>& source,
                                         const std::vector<Region>& regions) {
  if (!can_share_reads(*source)) return nullptr;
  return std::make_unique<SharedReads>(source, regions);
}

/// The most that blocks of these regions can hold, a mark for every pixel included.
std::vector<int64_t> most_bytes(const std::vector<Region>& regions, int channels,
                                const SharedReads* shared) {
  std::vector<int64_t> bytes;
  bytes.reserve(regions.size());
  for (size_t i = 0; i < regions.size(); ++i) {
    bytes.push_back(shared != nullptr ? shared->held_bytes(i) : regions[i].area() * (channels + 1));
  }
  return bytes;
}

class LoaderPass : public RegionPass {
 public:
  LoaderPass(std::shared_ptr<const PixelSource> source, std::vector<Region> regions,
             const LoaderOptions& options, std::shared_ptr<RegionLoader::Counters> counters)
      : source_(std::move(source)),
        regions_(std::move(regions)),
        counters_(std::move(counters)),
        shared_(share_reads(source_, regions_)),
        queue_(most_bytes(regions_, source_->channels(), shared_.get()), options.queue_bytes) {
    start_workers(
        std::min<size_t>(static_cast<size_t>(std::max(options.workers, 0)), regions_.size()));
  }

  ~LoaderPass() override {
    queue_.close();
    for (std::thread& worker : workers_) worker.join();
    const std::lock_guard lock(counters_->mutex);
    int64_t& peak = counters_->totals.peak_queued_bytes;
    peak = std::max(peak, queue_.peak_bytes());
  }

  PixelView take(size_t index) override {
    const auto start = Clock::now();
    const bool mine = queue_.claim(index);
    PixelView block = mine ? read(index) : queue_.take(index);
    const std::chrono::duration<double> waited = Clock::now() - start;
    count(!mine, waited.count());
    return block;
  }

 private:
  /// Takers read what no worker does, so a thread that the system refuses costs time only.
  void start_workers(size_t count) {
    workers_.reserve(count);
    try {
      while (workers_.size() < count) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
    }
  }

  PixelView read(size_t index) {
    const Region& region = regions_[index];
    return read_named(region,
                      [&] { return shared_ ? shared_->read(index) : source_->view(region); });
  }

  void work() {
    while (const auto index = queue_.claim_next()) {
      try {
        queue_.put(*index, read(*index));
      } catch (...) {
        queue_.fail(*index, std::current_exception());
      }
    }
  }

  void count(bool ahead, double waited_seconds) {
    const std::lock_guard lock(counters_->mutex);
    counters_->totals.regions += 1;
    counters_->totals.read_ahead += ahead ? 1 : 0;
    counters_->totals.waited_seconds += waited_seconds;
  }

  std::shared_ptr<const PixelSource> source_;
  std::vector<Region> regions_;
  std::shared_ptr<RegionLoader::Counters> counters_;
  std::unique_ptr<SharedReads> shared_;
  ByteQueue queue_;
  std::vector<std::thread> workers_;
};

}  // namespace

RegionLoader::RegionLoader(std::shared_ptr<const PixelSource> source, LoaderOptions options)
    : source_(std::move(source)), options_(options), counters_(std::make_shared<Counters>()) {}

RegionLoader::~RegionLoader() = default;

std::unique_ptr<RegionPass> RegionLoader::begin(std::vector<Region> regions) const {
  return std::make_unique<LoaderPass>(source_, std::move(regions), options_, counters_);
}

LoaderStatistics RegionLoader::statistics() const {
  const std::lock_guard lock(counters_->mutex);
  return counters_->totals;
}

}  // namespace untiled
