// Labels that users bring: masks of class indices or of 0 and 255, and GeoJSON (FORMATS.md, "Labels
// in").
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "data/slide/view.h"
#include "data/tissue/label_settings.h"
#include "lib/core/class_settings.h"
#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

/// The label that each of the 256 mask values stands for; nothing for unknown ones.
using MaskValues = std::array<std::optional<uint8_t>, 256>;

/// No classes: 0 is background (0), 1 and 255 are tissue (1), an `ignore` other than 255 is
/// kIgnoredLabel. One class: its value is 1, `ignore`
/// is kIgnoredLabel, every other value is the rest (0). More: a value is its class's position in
/// the list, `ignore` is kIgnoredLabel, anything else is unknown. Throws ConfigError when `ignore`
/// is 0 or 1 without classes.
MaskValues mask_values(const std::vector<ClassSettings>& classes, int ignore);

/// The factor d by which a mask is smaller than its slide. One that gives ceil(slide / d) exactly
/// comes first, then the nearest power of two and the nearest whole number with |rows / d - mask
/// rows| < 1 and the same for columns, then a d whose quotients on both axes, rounded alike, are
/// the mask's sizes. Nothing when no d >= 1 fits, nor for a mask that is a few pixels short of the
/// slide's size: that was cut.
std::optional<double> mask_factor(const Extent& slide, const Extent& mask);

/// Throws DataError for what is neither a Zarr folder nor a file that can be read.
void require_readable_mask(const std::filesystem::path& path);

/// Whether a mask is a TIFF or Zarr, of which parts are read when they are needed.
bool is_read_by_parts(const std::filesystem::path& path);

/// Labels of a view's pixels, 1 channel, class indices and kIgnoredLabel, by the lookup of
/// label_map.h from a mask that covers the view's frame (the slide as `data.origin` sees it), by
/// mask_factor where that is whole. A TIFF or Zarr is read on demand; a PNG is held. Any thread.
/// Throws DataError naming the file: when it is no mask, its size fits the frame by no factor (with
/// both sizes), or a value is unknown (with its place; where it is read on demand, then).
std::shared_ptr<const PixelSource> open_mask(const std::filesystem::path& path,
                                             const ViewInfo& view,
                                             const std::vector<ClassSettings>& classes, int ignore);

/// The same from a mask or GeoJSON, by what the file holds; see annotations.h. Warns once of each
/// file whose labels are likely not what was meant: objects that are left out, annotations outside
/// the slide, none at all, a mask of which nothing but ignored pixels is not 0. GeoJSON may take
/// `most_bytes` while it is read.
std::shared_ptr<const PixelSource> open_labels(const std::filesystem::path& path,
                                               const ViewInfo& view,
                                               const std::vector<ClassSettings>& classes,
                                               int ignore, const LabelSettings& labels,
                                               int64_t most_bytes);

}  // namespace untiled
