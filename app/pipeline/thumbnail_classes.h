// Classes of a whole slide at the size of a thumbnail.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"
#include "lib/ranks/group.h"

namespace untiled {

/// One class byte for each thumbnail pixel: that of the slide's pixel in its middle. One thread.
class ThumbnailClasses {
 public:
  /// kIgnoredLabel everywhere.
  ThumbnailClasses(const Extent& slide, const Extent& thumbnail);

  /// Takes what a region's classes (row by row) say.
  void fill(const Region& region, const Bytes& classes);
  /// Takes what all ranks have filled; a collective call.
  void unite(Group& ranks);

  const Bytes& bytes() const { return bytes_; }
  /// The slide's rows that are looked at, in order.
  const std::vector<int64_t>& rows() const { return rows_; }

 private:
  std::vector<int64_t> rows_;
  std::vector<int64_t> cols_;
  Bytes bytes_;
};

}  // namespace untiled
