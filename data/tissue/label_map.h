// Class indices at a low resolution, looked up at full resolution.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "data/slide/view.h"
#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

/// A low-resolution plane of class indices that covers an image.
struct LabelMap {
  Extent low;     ///< Rows and columns of `classes`.
  Bytes classes;  ///< low.rows x low.cols class indices or kIgnoredLabel.
  Extent full;    ///< The image that it covers: the slide's frame at level 0.
  /// Whole d, where low is the image at 1 / d from its corner on; none: low covers it edge to edge.
  std::optional<int64_t> downsample;
};

/// Labels of `map.full`, 1 channel. Pixel (y, x) is
/// low[min(floor((y + 0.5) / d), h_low - 1)][the same for x], where d is map.downsample, else
/// h_full / h_low; computed in integers: it never depends on the region asked for. Any thread.
/// Throws DataError for a plane of another size than it says.
std::shared_ptr<const PixelSource> make_label_source(LabelMap map);

/// The labels of a view's pixels: (y, x) above are the centres' places in the frame at level 0, so
/// a view may be of any scale and a crop.
std::shared_ptr<const PixelSource> make_label_source(LabelMap map, const ViewInfo& view);

/// The same lookup over a 1-channel source that covers the view's frame, at 1 / downsample or from
/// edge to edge; only the parts needed of it are read. Any thread.
std::shared_ptr<const PixelSource> view_labels(std::shared_ptr<const PixelSource> low,
                                               const ViewInfo& view,
                                               std::optional<int64_t> downsample = {});

/// `labels` where one of `regions` holds the pixel, kIgnoredLabel elsewhere. Regions may overlap
/// and reach over the edge. Any thread.
std::shared_ptr<const PixelSource> restrict_labels(std::shared_ptr<const PixelSource> labels,
                                                   std::vector<Region> regions);

}  // namespace untiled
