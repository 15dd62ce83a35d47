#include "lib/filters/cuda/device_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "lib/core/error.h"
#include "lib/filters/border.h"
#include "lib/filters/tables.h"

namespace untiled::filters {
namespace {

constexpr int32_t kMost = std::numeric_limits<int32_t>::max();

int64_t pixel_bytes_of(Sample sample) { return kChannels * static_cast<int64_t>(bytes_of(sample)); }

Interval grown(const Interval& made, int64_t halo, int64_t size) {
  return border_span({made.begin - halo, made.end + halo}, size, Border::kNearest);
}

std::shared_ptr<const DeviceMemory> upload(const FilterDevice& device, const float* numbers,
                                           size_t count) {
  const auto bytes = static_cast<int64_t>(count * sizeof(float));
  auto memory = std::make_shared<DeviceMemory>(device.gpu(), bytes);
  GpuStream stream(device.gpu());
  stream.copy_to_device(memory->address(), numbers, bytes);
  stream.wait();
  return memory;
}

}  // namespace

Plane plane_of(DeviceAddress memory, const Region& region, int64_t pixel_bytes) {
  Plane plane{};
  plane.data = device_pointer<uint8_t>(memory);
  plane.row_bytes = region.cols.size() * pixel_bytes;
  plane.first_row = static_cast<int32_t>(region.rows.begin);
  plane.first_col = static_cast<int32_t>(region.cols.begin);
  plane.ring_rows = kMost;
  plane.chunk_cols = kMost;
  plane.pixel_bytes = static_cast<int32_t>(pixel_bytes);
  return plane;
}

DeviceChain::DeviceChain(const FilterDevice& device, const std::vector<FilterSpec>& chain,
                         DeviceAddress colors, const Extent& slide)
    : slide_(slide), colors_(colors) {
  if (std::max(slide.rows, slide.cols) >= kMost) {
    throw DataError(fmt::format("{} are more than a CUDA device's filters count; use --device cpu",
                                to_string(slide)));
  }
  Sample sample = Sample::kUint8;
  for (const FilterSpec& filter : chain) {
    add(device, filter, sample);
    sample = steps_.back().out;
  }
  if (steps_.empty()) steps_.push_back({device.kernels().function("untiled_copy")});
}

void DeviceChain::add_gaussian(const FilterDevice& device, const FilterSpec& filter, Sample in) {
  const GaussianWeights weights = gaussian_weights(filter.sigma);
  DeviceStep down;
  down.kernel = device.kernels().function(in == Sample::kUint8 ? "untiled_gaussian_down_bytes"
                                                               : "untiled_gaussian_down_floats");
  down.halo_rows = weights.radius();
  down.out = Sample::kFloat32;
  down.numbers = upload(device, weights.w.data(), weights.w.size());
  DeviceStep across = down;
  across.kernel = device.kernels().function(filter.to_bytes ? "untiled_gaussian_to_bytes"
                                                            : "untiled_gaussian_across");
  across.halo_cols = std::exchange(across.halo_rows, 0);
  if (filter.to_bytes) across.out = Sample::kUint8;
  steps_.push_back(std::move(down));
  steps_.push_back(std::move(across));
}

void DeviceChain::add(const FilterDevice& device, const FilterSpec& filter, Sample in) {
  const bool bytes = in == Sample::kUint8;
  const auto kernel = [&](const char* of_bytes, const char* of_floats) {
    return device.kernels().function(bytes ? of_bytes : of_floats);
  };
  DeviceStep step;
  step.out = Sample::kFloat32;
  switch (filter.kind) {
    case FilterKind::kSobel:
      step.kernel = kernel("untiled_sobel_bytes", "untiled_sobel_floats");
      step.halo_rows = step.halo_cols = 1;
      break;
    case FilterKind::kGaussian:
      return add_gaussian(device, filter, in);
    case FilterKind::kMedian:
      step.kernel = kernel("untiled_median_bytes", "untiled_median_floats");
      step.halo_rows = step.halo_cols = kMedianSide / 2;
      step.out = in;
      break;
    case FilterKind::kAbsorbance:
      step.kernel = device.kernels().function("untiled_absorbance");
      step.numbers = upload(device, absorbance_table().data(), absorbance_table().size());
      break;
    case FilterKind::kSeparation:
      step.kernel = device.kernels().function("untiled_separation");
      step.numbers =
          upload(device, separation_table()[0][0].data(), sizeof(SeparationTable) / sizeof(float));
      step.by_pixel = true;
      break;
    case FilterKind::kMacenko:
      step.kernel = device.kernels().function("untiled_recolor");
      step.out = Sample::kUint8;
      step.by_pixel = true;
      step.recolors = true;
      break;
  }
  steps_.push_back(step);
}

Region DeviceChain::input_of_step(const DeviceStep& step, const Region& out) const {
  return {grown(out.rows, step.halo_rows, slide_.rows),
          grown(out.cols, step.halo_cols, slide_.cols)};
}

Region DeviceChain::input_of(const Region& out) const {
  Region region = out;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    region = input_of_step(*step, region);
  }
  return region;
}

int64_t DeviceChain::step_bytes(const Extent& made) const {
  Extent extent = made;
  int64_t most = 0;
  for (size_t i = steps_.size() - 1; i > 0; --i) {
    extent.rows = std::min(extent.rows + 2 * steps_[i].halo_rows, slide_.rows);
    extent.cols = std::min(extent.cols + 2 * steps_[i].halo_cols, slide_.cols);
    most = std::max(most, extent.area() * pixel_bytes_of(steps_[i - 1].out));
  }
  return most;
}

int64_t DeviceChain::pixel_bytes() const { return pixel_bytes_of(steps_.back().out); }

Pass DeviceChain::pass_of(const DeviceStep& step, const Plane& in, const Region& made,
                          const Plane& out, DeviceAddress has_unknown) const {
  Pass pass{};
  pass.in = in;
  pass.out = out;
  pass.slide_rows = static_cast<int32_t>(slide_.rows);
  pass.slide_cols = static_cast<int32_t>(slide_.cols);
  pass.first_row = static_cast<int32_t>(made.rows.begin);
  pass.first_col = static_cast<int32_t>(made.cols.begin);
  pass.rows = static_cast<int32_t>(made.rows.size());
  pass.units = static_cast<int32_t>(made.cols.size() * (step.by_pixel ? 1 : kChannels));
  pass.radius = static_cast<int32_t>(std::max(step.halo_rows, step.halo_cols));
  if (step.numbers) pass.numbers = step.numbers->as<const float>();
  if (step.recolors) {
    pass.colors = device_pointer<const uint32_t>(colors_);
    pass.has_unknown = device_pointer<uint32_t>(has_unknown);
  }
  return pass;
}

void DeviceChain::run(GpuStream& stream, const Plane& in, const Region& made, const Plane& out,
                      const StepMemory& memory) const {
  std::vector<Region> regions(steps_.size(), made);  // What each step makes.
  for (size_t i = steps_.size() - 1; i > 0; --i) {
    regions[i - 1] = input_of_step(steps_[i], regions[i]);
  }
  Plane from = in;
  for (size_t i = 0; i < steps_.size(); ++i) {
    const DeviceMemory& between = i % 2 == 0 ? memory.even : memory.odd;
    Plane to = out;
    if (i + 1 < steps_.size()) {
      to = plane_of(between.address(), regions[i], pixel_bytes_of(steps_[i].out));
    }
    Pass pass = pass_of(steps_[i], from, regions[i], to, memory.has_unknown);
    stream.launch(steps_[i].kernel, pass.units, pass.rows, &pass);
    from = to;
  }
}

}  // namespace untiled::filters
