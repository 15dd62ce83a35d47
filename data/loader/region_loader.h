// Reads the regions of a slide ahead of the network, in the order in which it will ask for them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lib/core/pixel_source.h"

namespace untiled {

struct LoaderOptions {
  int workers = 1;                   ///< Reading threads of a pass; 0: takers read by themselves.
  int64_t queue_bytes = 64LL << 20;  ///< Bound on what is read or being read and not yet taken.
};

/// What all passes of a loader did so far.
struct LoaderStatistics {
  int64_t regions = 0;            ///< Regions taken.
  int64_t read_ahead = 0;         ///< Those of them that a worker had read or was reading.
  double waited_seconds = 0.0;    ///< Time that takers spent until they had their blocks, summed.
  int64_t peak_queued_bytes = 0;  ///< Most bytes in the queue of one pass; never above the bound.
};

/// A feed whose passes read ahead with worker threads, cells of the source once a pass (see
/// SharedReads). Blocks are the source's, bit for bit, whatever the options. Memory of a pass:
/// `queue_bytes`, and one block for each taking thread. An error while reading a region goes to the
/// taker of that region, with the region in its message. Destroying a pass stops its threads after
/// the region that each is reading.
class RegionLoader : public PixelFeed {
 public:
  RegionLoader(std::shared_ptr<const PixelSource> source, LoaderOptions options);
  ~RegionLoader() override;

  Extent extent() const override { return source_->extent(); }
  std::unique_ptr<RegionPass> begin(std::vector<Region> regions) const override;
  LoaderStatistics statistics() const;

  struct Counters;

 private:
  std::shared_ptr<const PixelSource> source_;
  LoaderOptions options_;
  std::shared_ptr<Counters> counters_;
};

}  // namespace untiled
