#include "data/loader/shared_reads.h"

#include <algorithm>
#include <utility>

#include "data/loader/block_grid.h"

namespace untiled {
namespace {

/// Larger cells (strips of a whole image's width, say) are not worth reading for a neighbour.
constexpr int64_t kMostCellPixels = int64_t{1} << 20;

PixelBlock part_of(const PixelBlock& block, const Region& part) {
  PixelBlock result = blank_block(part, block.channels);
  copy_overlap(block, result);
  return result;
}

int64_t bytes_of(const Region& region, int channels) { return region.area() * (channels + 1); }

}  // namespace

bool can_share_reads(const PixelSource& source) {
  const Extent cell = source.cells().size;
  return !cell.empty() && cell.area() <= kMostCellPixels && cell.cols < source.extent().cols;
}

SharedReads::SharedReads(std::shared_ptr<const PixelSource> source, std::vector<Region> regions,
                         int64_t limit_bytes)
    : source_(std::move(source)),
      regions_(std::move(regions)),
      limit_bytes_(limit_bytes),
      grid_(source_->cells()),
      across_(ceil_div(source_->extent().cols - grid_.first_col, grid_.size.cols)),
      inboxes_(regions_.size()) {
  const int64_t down = ceil_div(source_->extent().rows - grid_.first_row, grid_.size.rows);
  users_.resize(static_cast<size_t>(down * across_));
  states_.resize(users_.size(), State::kOpen);
  for (size_t i = 0; i < regions_.size(); ++i) {
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

/// Takes the open ones of some cells, as rectangles: runs along rows, one below the other joined.
std::vector<Region> SharedReads::take_open(const Region& cells) {
  std::vector<Region> taken;
  for (int64_t row = cells.rows.begin; row < cells.rows.end; ++row) {
    for (int64_t col = cells.cols.begin; col < cells.cols.end; ++col) {
      if (states_[at(row, col)] != State::kOpen) continue;
      const int64_t begin = col;
      for (; col < cells.cols.end && states_[at(row, col)] == State::kOpen; ++col) {
        states_[at(row, col)] = State::kReading;
      }
      const Interval run = {begin, col};
      const auto above = std::find_if(taken.begin(), taken.end(), [&](const Region& r) {
        return r.rows.end == row && r.cols == run;
      });
      if (above != taken.end()) {
        above->rows.end = row + 1;
      } else {
        taken.push_back({{row, row + 1}, run});
      }
    }
  }
  return taken;
}

bool SharedReads::any_being_read(const Region& cells) const {
  for (int64_t row = cells.rows.begin; row < cells.rows.end; ++row) {
    for (int64_t col = cells.cols.begin; col < cells.cols.end; ++col) {
      if (states_[at(row, col)] == State::kReading) return true;
    }
  }
  return false;
}

/// The open ones of some cells, or, once all have been read, nothing. Nobody waits here before his
/// own cells are read, so all get theirs.
std::vector<Region> SharedReads::claim(const Region& cells) {
  std::unique_lock lock(mutex_);
  while (true) {
    std::vector<Region> taken = take_open(cells);
    if (!taken.empty() || !any_being_read(cells)) return taken;
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

/// Reads claimed cells for region `index` and leaves the others their parts.
PixelBlock SharedReads::read_cells(const Region& cells, size_t index) {
  PixelBlock block = source_->read(pixels_of(cells));
  for (const size_t user : users(cells, index)) {
    const Region part = intersect(block.region, regions_[user]);
    const int64_t bytes = bytes_of(part, block.channels);
    std::unique_lock lock(mutex_);
    if (held_bytes_ + bytes > limit_bytes_) {
      inboxes_[user].left_out.push_back(part);
      continue;
    }
    held_bytes_ += bytes;
    lock.unlock();
    PixelBlock copy = part_of(block, part);
    lock.lock();
    inboxes_[user].parts.push_back(std::move(copy));
  }
  const std::lock_guard lock(mutex_);
  set(cells, State::kDone);
  return block;
}

SharedReads::Inbox SharedReads::take(size_t index) {
  const std::lock_guard lock(mutex_);
  Inbox inbox = std::move(inboxes_[index]);
  inboxes_[index] = {};
  for (const PixelBlock& part : inbox.parts) held_bytes_ -= bytes_of(part.region, part.channels);
  return inbox;
}

PixelView SharedReads::read(size_t index) {
  const Region& region = regions_[index];
  if (region.empty()) return source_->view(region);
  const Region cells = cells_of(region);
  PixelBlock result;
  for (auto claimed = claim(cells); !claimed.empty(); claimed = claim(cells)) {
    for (size_t i = 0; i < claimed.size(); ++i) {
      try {
        PixelBlock block = read_cells(claimed[i], index);
        if (block.region == region) return view_of(std::move(block));
        if (result.bytes.empty()) result = blank_block(region, block.channels);
        copy_overlap(block, result);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        for (; i < claimed.size(); ++i) set(claimed[i], State::kOpen);
        throw;
      }
    }
  }
  if (result.bytes.empty()) result = blank_block(region, source_->channels());
  const Inbox inbox = take(index);
  for (const PixelBlock& part : inbox.parts) copy_overlap(part, result);
  for (const Region& part : inbox.left_out) copy_overlap(source_->read(part), result);
  return view_of(std::move(result));
}

}  // namespace untiled
