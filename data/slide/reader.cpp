#include "data/slide/reader.h"

#include <fmt/format.h>

#include "lib/core/error.h"

namespace untiled {

void SlideReader::require_inside(int level, const Region& region) const {
  const auto& levels = info_.levels;
  if (level < 0 || static_cast<size_t>(level) >= levels.size()) {
    throw DataError(fmt::format("{} has no level {}: its levels are 0 to {}", info_.path.string(),
                                level, levels.size() - 1));
  }
  const Extent& extent = levels[static_cast<size_t>(level)].extent;
  if (!whole(extent).contains(region)) {
    throw DataError(fmt::format("{} of {} lie outside its level {}, which has {}",
                                to_string(region), info_.path.string(), level, to_string(extent)));
  }
}

PixelBlock SlideReader::read(int level, const Region& region) const {
  require_inside(level, region);
  if (region.empty()) return {region, 3, {}, {}};
  return read_pixels(level, region);
}

void SlideReader::read_into(int level, const Region& region, const PixelTarget& target) const {
  require_inside(level, region);
  if (!region.empty()) read_pixels_into(level, region, target);
}

StoredTile SlideReader::stored_tile(int level, const Region& region) const {
  require_inside(level, region);
  return region.empty() ? StoredTile{} : find_stored_tile(level, region);
}

}  // namespace untiled
