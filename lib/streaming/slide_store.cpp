#include "lib/streaming/slide_store.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

int64_t element_bytes(at::ScalarType dtype) {
  return static_cast<int64_t>(c10::elementSize(dtype));
}

/// The part of a [channels, rows, cols] tensor that starts at `origin` and covers `region`.
at::Tensor narrow(const at::Tensor& t, const Region& region, const Region& origin) {
  return t.narrow(-2, region.rows.begin - origin.rows.begin, region.rows.size())
      .narrow(-1, region.cols.begin - origin.cols.begin, region.cols.size());
}

}  // namespace

/// A file without a name that holds blocks one after the other; pread and pwrite only, so that
/// the page cache and not this process holds what is in memory.
class SlideStore::Scratch {
 public:
  explicit Scratch(const std::filesystem::path& folder) : folder_(folder) {
    make_folder(folder);
    std::string name = (folder / "untiled-XXXXXX").string();
    file_ = mkstemp(name.data());
    if (file_ < 0) fail("cannot create a file");
    unlink(name.c_str());
  }
  ~Scratch() { close(file_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void extend(int64_t bytes) {
    if (ftruncate(file_, bytes) != 0) fail("cannot extend a file");
  }
  void read(void* data, int64_t bytes, int64_t offset) const {
    move(bytes, [&](int64_t done) {
      return pread(file_, static_cast<char*>(data) + done, static_cast<size_t>(bytes - done),
                   offset + done);
    });
  }
  void write(const void* data, int64_t bytes, int64_t offset) {
    move(bytes, [&](int64_t done) {
      return pwrite(file_, static_cast<const char*>(data) + done, static_cast<size_t>(bytes - done),
                    offset + done);
    });
  }

 private:
  template <typename Call>
  void move(int64_t bytes, Call call) const {
    for (int64_t done = 0; done < bytes;) {
      const ssize_t n = call(done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) fail("cannot read or write a file");
      done += n;
    }
  }
  [[noreturn]] void fail(const char* what) const {
    throw DataError(
        fmt::format("run.scratch {}: {} for stored tensors: {}; free space there or "
                    "raise memory_budget",
                    folder_.string(), what, std::strerror(errno)));
  }

  std::filesystem::path folder_;
  int file_ = -1;
};

SlideStore::SlideStore(int64_t channels, const Extent& extent, const StoreOptions& options)
    : channels_(channels), extent_(extent), options_(options) {
  block_extent_.cols = std::min(extent.cols, options.max_dimension);
  const int64_t row_bytes = channels * block_extent_.cols * element_bytes(options.dtype);
  block_extent_.rows = std::clamp<int64_t>(options.block_bytes / row_bytes, 1, extent.rows);
  blocks_across_ = ceil_div(extent.cols, block_extent_.cols);
  int64_t offset = 0;
  for (const Region& region : tile_grid(extent, block_extent_)) {
    blocks_.push_back({.region = region, .values = {}, .file_offset = offset});
    offset += channels * region.area() * element_bytes(options.dtype);
  }
  if (!options.scratch.empty()) {
    scratch_ = std::make_unique<Scratch>(options.scratch);
    scratch_->extend(offset);
  }
  if (scratch_ || !options.device.is_cpu()) return;
  pages_ = options.pages ? options.pages->take(offset) : std::make_shared<MappedMemory>(offset);
}

SlideStore::~SlideStore() = default;

int64_t SlideStore::full_bytes(int64_t channels, const Extent& extent, at::ScalarType dtype) {
  return channels * extent.area() * element_bytes(dtype);
}

void SlideStore::check_inside(const Region& region) const {
  if (whole(extent_).contains(region)) return;
  throw InternalError(
      fmt::format("stored tensor of {}: asked for {}", to_string(extent_), to_string(region)));
}

/// [channels, rows, cols]
at::Tensor SlideStore::in_pages(const Region& region) const {
  const int64_t first = region.rows.begin * extent_.cols + region.cols.begin;
  return at::from_blob(
      pages_->data() + first * element_bytes(options_.dtype),
      {channels_, region.rows.size(), region.cols.size()}, {extent_.area(), extent_.cols, 1},
      [pages = pages_](void* /*data*/) mutable { pages.reset(); },
      at::TensorOptions().dtype(options_.dtype));
}

template <typename Visit>
void SlideStore::for_each_range(const Interval& rows, Visit visit) const {
  const int64_t row_bytes = extent_.cols * element_bytes(options_.dtype);
  for (int64_t c = 0; c < channels_; ++c) {
    const int64_t first_row = c * extent_.rows;
    visit((first_row + rows.begin) * row_bytes, (first_row + rows.end) * row_bytes);
  }
}

template <typename Visit>
void SlideStore::for_each_block(const Region& region, Visit visit) const {
  if (region.empty()) return;
  check_inside(region);
  for (int64_t r = region.rows.begin / block_extent_.rows;
       r <= (region.rows.end - 1) / block_extent_.rows; ++r) {
    for (int64_t c = region.cols.begin / block_extent_.cols;
         c <= (region.cols.end - 1) / block_extent_.cols; ++c) {
      Block& block = blocks_[static_cast<size_t>(r * blocks_across_ + c)];
      visit(block, intersect(block.region, region));
    }
  }
}

/// Begins a block, with zeros.
void SlideStore::ensure(Block& block) const {
  {
    const std::lock_guard lock(allocation_);
    if (block.written) return;
    block.written = true;
    if (scratch_) return;
    const Extent e = block.region.extent();
    block.values =
        pages_ ? in_pages(block.region)
               : at::zeros({channels_, e.rows, e.cols},
                           at::TensorOptions().dtype(options_.dtype).device(options_.device));
    // Nobody writes to the block before what another tensor left there is gone.
    if (pages_ && !pages_->is_fresh()) block.values.zero_();
  }
  if (!pages_ || !pages_->is_fresh()) return;
  // Others may write to the block meanwhile: pages that are there already stay as they are.
  for_each_range(block.region.rows,
                 [this](int64_t begin, int64_t end) { pages_->touch(begin, end); });
}

at::Tensor SlideStore::load(const Block& block, const Region& part) const {
  if (!scratch_) return narrow(block.values, part, block.region);
  const Extent e = part.extent();
  at::Tensor value = at::empty({channels_, e.rows, e.cols}, options_.dtype);
  const int64_t unit = element_bytes(options_.dtype);
  const Extent full = block.region.extent();
  auto* data = static_cast<char*>(value.data_ptr());
  for (int64_t c = 0; c < channels_; ++c) {
    for (int64_t y = part.rows.begin; y < part.rows.end; ++y) {
      const int64_t index = (c * full.rows + y - block.region.rows.begin) * full.cols +
                            part.cols.begin - block.region.cols.begin;
      scratch_->read(data, e.cols * unit, block.file_offset + index * unit);
      data += e.cols * unit;
    }
  }
  return value.to(options_.device);
}

void SlideStore::save(Block& block, const Region& part, const at::Tensor& value) {
  if (!scratch_) {
    narrow(block.values, part, block.region).copy_(value);
    return;
  }
  const at::Tensor host = value.to(at::kCPU, options_.dtype).contiguous();
  const int64_t unit = element_bytes(options_.dtype);
  const Extent full = block.region.extent();
  const auto* data = static_cast<const char*>(host.const_data_ptr());
  for (int64_t c = 0; c < channels_; ++c) {
    for (int64_t y = part.rows.begin; y < part.rows.end; ++y) {
      const int64_t index = (c * full.rows + y - block.region.rows.begin) * full.cols +
                            part.cols.begin - block.region.cols.begin;
      scratch_->write(data, part.cols.size() * unit, block.file_offset + index * unit);
      data += part.cols.size() * unit;
    }
  }
}

at::Tensor SlideStore::read(const Region& region) const {
  const Extent e = region.extent();
  const auto options = at::TensorOptions().dtype(options_.dtype).device(options_.device);
  at::Tensor out = at::empty({1, channels_, e.rows, e.cols}, options);
  for_each_block(region, [&](const Block& block, const Region& part) {
    at::Tensor target = narrow(out[0], part, region);
    if (block.written) {
      target.copy_(load(block, part));
    } else {
      target.zero_();
    }
  });
  return out;
}

at::Tensor SlideStore::view(const Region& region) const {
  if (!pages_ || region.empty()) return read(region);
  for_each_block(region, [&](Block& block, const Region&) {
    if (block.released) throw InternalError("a view of released rows: " + to_string(region));
    ensure(block);
  });
  return in_pages(region).unsqueeze(0);
}

void SlideStore::write(const Region& region, const at::Tensor& value) {
  for_each_block(region, [&](Block& block, const Region& part) {
    ensure(block);
    save(block, part, narrow(value[0], part, region));
  });
}

void SlideStore::add(const Region& region, const at::Tensor& value) {
  for_each_block(region, [&](Block& block, const Region& part) {
    ensure(block);
    const at::Tensor term = narrow(value[0], part, region);
    at::Tensor held = load(block, part);
    held.add_(term);
    if (scratch_) save(block, part, held);
  });
}

bool SlideStore::is_untouched(const Region& region) const {
  bool untouched = true;
  for_each_block(region, [&](const Block& block, const Region&) {
    if (block.written) untouched = false;
  });
  return untouched;
}

void SlideStore::release_rows(int64_t row) {
  int64_t released = 0;
  for (Block& block : blocks_) {
    if (block.region.rows.end > row || block.released) continue;
    block.values.reset();
    block.released = true;
    released = std::max(released, block.region.rows.end);
  }
  if (!pages_ || released == 0) return;
  // From the top: a page that two blocks share goes with the second.
  for_each_range({0, released},
                 [this](int64_t begin, int64_t end) { pages_->release(begin, end); });
}

}  // namespace untiled
