// A chain of filters as kernels that follow each other.
#pragma once

#include <memory>
#include <vector>

#include "lib/core/region.h"
#include "lib/filters/cuda/filter_device.h"
#include "lib/filters/cuda/filter_values.h"
#include "lib/filters/filter_spec.h"

namespace untiled::filters {

/// A plane that is neither a ring nor cut into chunks.
Plane plane_of(DeviceAddress memory, const Region& region, int64_t pixel_bytes);

/// What a kernel does for one part of a slide after the other.
struct DeviceStep {
  void* kernel = nullptr;
  int64_t halo_rows = 0;
  int64_t halo_cols = 0;
  Sample out = Sample::kUint8;
  bool by_pixel = false;  ///< A thread makes a pixel and not a value.
  bool recolors = false;
  std::shared_ptr<const DeviceMemory> numbers;  ///< Weights or tables; may be null.
};

/// Memory between the steps, of one stream.
struct StepMemory {
  const DeviceMemory& even;  ///< Steps write in turn.
  const DeviceMemory& odd;
  DeviceAddress has_unknown;  ///< A uint32.
};

/// For slides of one extent. An empty chain copies. Any thread.
class DeviceChain {
 public:
  /// `colors` is macenko's table on the device; 0 where the chain has no macenko. Throws CudaFault,
  /// DataError for a slide of 2^31 rows or columns.
  DeviceChain(const FilterDevice& device, const std::vector<FilterSpec>& chain,
              DeviceAddress colors, const Extent& slide);

  /// The pixels that a region of the result needs.
  Region input_of(const Region& out) const;
  /// Of `even` and `odd` each, for regions of this extent that lie anywhere.
  int64_t step_bytes(const Extent& made) const;
  /// Of the result.
  int64_t pixel_bytes() const;

  /// Begins to make a region from `in`, a kernel a step.
  void run(GpuStream& stream, const Plane& in, const Region& made, const Plane& out,
           const StepMemory& memory) const;

 private:
  void add(const FilterDevice& device, const FilterSpec& filter, Sample in);
  void add_gaussian(const FilterDevice& device, const FilterSpec& filter, Sample in);
  Region input_of_step(const DeviceStep& step, const Region& out) const;
  Pass pass_of(const DeviceStep& step, const Plane& in, const Region& made, const Plane& out,
               DeviceAddress has_unknown) const;

  Extent slide_;
  DeviceAddress colors_;
  std::vector<DeviceStep> steps_;
};

}  // namespace untiled::filters
