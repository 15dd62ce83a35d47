#include "data/loader/shared_reads.h"

#include <algorithm>
#include <utility>

#include "data/loader/block_grid.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

/// Larger cells (strips of a whole image's width, say) are not worth reading for a neighbour.
constexpr int64_t kMostCellPixels = int64_t{512} * 512;

PixelBlock part_of(const PixelBlock& block, const Region& part) {
  PixelBlock result = blank_block(part, block.channels);
  copy_overlap(block, result);
  return result;
}

/// Of a part of a block.
PixelView view_inside(PixelBlock block, const Region& region) {
  Bytes missing = block.missing.empty() ? Bytes() : part_of(block, region).missing;
  const Region all = block.region;
  PixelView view = view_of(std::move(block));
  view.data += (region.rows.begin - all.rows.begin) * view.row_stride +
               (region.cols.begin - all.cols.begin) * view.channels;
  view.region = region;
  view.missing = std::move(missing);
  return view;
}

}  // namespace

bool can_share_reads(const PixelSource& source) {
  const Extent cell = source.cells().size;
  return !cell.empty() && cell.area() <= kMostCellPixels && cell.cols < source.extent().cols;
}

int64_t reading_bytes(const PixelSource& source, int64_t reader_bytes) {
  if (!can_share_reads(source)) return reader_bytes;
  constexpr int64_t kRegion = 1024;  // As wide as tiles usually are.
  const Extent cell = source.cells().size;
  const int64_t channels = source.channels();
  const int64_t held = 2 * channels * (kRegion + 2 * cell.rows) * (kRegion + 2 * cell.cols);
  // A row of cells, and the strips between neighbours.
  const int64_t waiting = channels * cell.rows * source.extent().cols * 9 / 8;
  if (waiting > SharedReads::kLimitBytes) return reader_bytes + SharedReads::kLimitBytes + held;
  return std::max<int64_t>(0, reader_bytes - SharedReads::kLimitBytes) + waiting + held;
}

SharedReads::SharedReads(std::shared_ptr<const PixelSource> source, std::vector<Region> regions,
                         int64_t limit_bytes)
    : source_(std::move(source)),
      regions_(std::move(regions)),
      limit_bytes_(limit_bytes),
      grid_(source_->cells()),
      inboxes_(regions_.size()) {
  if (!can_share_reads(*source_))
    throw InternalError("reads of an image without cells were shared");
  across_ = ceil_div(source_->extent().cols - grid_.first_col, grid_.size.cols);
  const int64_t down = ceil_div(source_->extent().rows - grid_.first_row, grid_.size.rows);
  users_.resize(static_cast<size_t>(down * across_));
  states_.resize(users_.size(), State::kOpen);
  for (size_t i = 0; i < regions_.size(); ++i) {
    if (!is_inside(regions_[i])) continue;
    const Region cells = cells_of(regions_[i]);
    for (int64_t row = cells.rows.begin; row < cells.rows.end; ++row) {
      for (int64_t col = cells.cols.begin; col < cells.cols.end; ++col) {
        users_[at(row, col)].push_back(static_cast<uint32_t>(i));
      }
    }
  }
}

Region SharedReads::cells_of(const Region& region) const {
  const auto along = [](const Interval& pixels, int64_t first, int64_t size) {
    return Interval{(pixels.begin - first) / size, ceil_div(pixels.end - first, size)};
  };
  return {along(region.rows, grid_.first_row, grid_.size.rows),
          along(region.cols, grid_.first_col, grid_.size.cols)};
}

Region SharedReads::pixels_of(const Region& cells) const {
  const auto along = [](const Interval& c, int64_t first, int64_t size) {
    return Interval{first + c.begin * size, first + c.end * size};
  };
  return clip(Region{along(cells.rows, grid_.first_row, grid_.size.rows),
                     along(cells.cols, grid_.first_col, grid_.size.cols)},
              source_->extent());
}

/// The open ones of some cells, as rectangles: runs along rows, one below the other joined.
std::vector<Region> SharedReads::find_open(const Region& cells) const {
  std::vector<Region> open;
  for (int64_t row = cells.rows.begin; row < cells.rows.end; ++row) {
    for (int64_t col = cells.cols.begin; col < cells.cols.end; ++col) {
      if (states_[at(row, col)] != State::kOpen) continue;
      const int64_t begin = col;
      while (col < cells.cols.end && states_[at(row, col)] == State::kOpen) ++col;
      const Interval run = {begin, col};
      const auto above = std::find_if(open.begin(), open.end(), [&](const Region& r) {
        return r.rows.end == row && r.cols == run;
      });
      if (above != open.end()) {
        above->rows.end = row + 1;
      } else {
        open.push_back({{row, row + 1}, run});
      }
    }
  }
  return open;
}

bool SharedReads::any_being_read(const Region& cells) const {
  for (int64_t row = cells.rows.begin; row < cells.rows.end; ++row) {
    for (int64_t col = cells.cols.begin; col < cells.cols.end; ++col) {
      if (states_[at(row, col)] == State::kReading) return true;
    }
  }
  return false;
}

/// Takes the open ones of some cells, or, once all have been read, nothing. Nobody waits here
/// before his own cells are read, so all get theirs.
std::vector<Region> SharedReads::claim(const Region& cells) {
  std::unique_lock lock(mutex_);
  while (true) {
    std::vector<Region> open = find_open(cells);
    for (const Region& part : open) set(part, State::kReading);
    if (!open.empty() || !any_being_read(cells)) return open;
    changed_.wait(lock);  // What another fails to read will be open again.
  }
}

void SharedReads::set(const Region& cells, State state) {
  for (int64_t row = cells.rows.begin; row < cells.rows.end; ++row) {
    for (int64_t col = cells.cols.begin; col < cells.cols.end; ++col) {
      states_[at(row, col)] = state;
    }
  }
  changed_.notify_all();
}

std::vector<size_t> SharedReads::users(const Region& cells, size_t but) const {
  std::vector<size_t> found;
  for (int64_t row = cells.rows.begin; row < cells.rows.end; ++row) {
    for (int64_t col = cells.cols.begin; col < cells.cols.end; ++col) {
      const std::vector<uint32_t>& list = users_[at(row, col)];
      found.insert(found.end(), list.begin(), list.end());
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::erase(found, but);
  return found;
}

/// Whether a part may be kept for its user; if not, he is told.
bool SharedReads::has_room(const Region& part, size_t user) {
  const std::lock_guard lock(mutex_);
  if (held_bytes_ + part.area() * source_->channels() <= limit_bytes_) return true;
  inboxes_[user].left_out.push_back(part);
  return false;
}

/// Reads claimed cells into the block of region `index` and leaves the others their parts.
void SharedReads::read_cells(const Region& cells, size_t index, PixelBlock& block) {
  const Region pixels = pixels_of(cells);
  source_->read_onto(pixels, block);
  for (const size_t user : users(cells, index)) {
    const Region part = intersect(pixels, regions_[user]);
    if (!has_room(part, user)) continue;
    PixelBlock copy = part_of(block, part);
    const std::lock_guard lock(mutex_);
    held_bytes_ += static_cast<int64_t>(copy.size_bytes());
    inboxes_[user].parts.push_back(std::move(copy));
  }
  const std::lock_guard lock(mutex_);
  set(cells, State::kDone);
}

int64_t SharedReads::held_bytes(size_t index) const {
  const Region& region = regions_[index];
  const bool is_shared = !region.empty() && is_inside(region);
  const Region held = is_shared ? pixels_of(cells_of(region)) : region;
  return held.area() * (source_->channels() + 1);
}

SharedReads::Inbox SharedReads::take(size_t index) {
  const std::lock_guard lock(mutex_);
  Inbox inbox = std::move(inboxes_[index]);
  inboxes_[index] = {};
  for (const PixelBlock& part : inbox.parts) {
    held_bytes_ -= static_cast<int64_t>(part.size_bytes());
  }
  return inbox;
}

PixelView SharedReads::read(size_t index) {
  const Region& region = regions_[index];
  // What lies outside is the source's to refuse.
  if (region.empty() || !is_inside(region)) return source_->view(region);
  const Region cells = cells_of(region);
  PixelBlock result = blank_block(pixels_of(cells), source_->channels());
  for (auto claimed = claim(cells); !claimed.empty(); claimed = claim(cells)) {
    for (size_t i = 0; i < claimed.size(); ++i) {
      try {
        read_cells(claimed[i], index, result);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        for (; i < claimed.size(); ++i) set(claimed[i], State::kOpen);
        throw;
      }
    }
  }
  const Inbox inbox = take(index);
  for (const PixelBlock& part : inbox.parts) copy_overlap(part, result);
  for (const Region& part : inbox.left_out) source_->read_onto(part, result);
  return view_inside(std::move(result), region);
}

}  // namespace untiled
