// Small pictures for people: panels side by side with a legend, and outlines over thumbnails.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

/// 8-bit RGB, interleaved.
struct Picture {
  Extent extent;
  Bytes rgb;
};

using PictureColor = std::array<uint8_t, 3>;

/// Most of a slide's thumbnail in reports and previews.
inline constexpr Extent kLargestThumbnail = {1200, 1200};

/// Of tissue's border on a thumbnail.
inline constexpr PictureColor kTissueOutline = {0, 200, 0};

struct PreviewPanel {
  std::string title;
  Picture picture;
};

struct LegendEntry {
  std::string name;
  PictureColor color = {0, 0, 0};
};

/// The largest extent of the shape of `extent` that fits into `most`; never larger than `extent`.
Extent fit_into(const Extent& extent, const Extent& most);

/// The picture averaged down to `extent`, which must not be larger.
Picture shrink(const Picture& picture, const Extent& extent);

/// Where the panels of a preview are at most this wide and high, it is at most about 1600 wide.
inline constexpr Extent kPreviewPanel = {1200, 520};

/// Class indices in their colours; kIgnoredLabel and indices without a colour are grey.
Picture color_classes(const Extent& extent, std::span<const uint8_t> classes,
                      std::span<const PictureColor> colors);

/// Of pixels that no label counts for, in tint_classes.
inline constexpr PictureColor kIgnoredTint = {40, 40, 40};

/// `picture` half covered by its classes' colours, where kIgnoredLabel and indices without a colour
/// are kIgnoredTint. `classes` has one index for each pixel.
Picture tint_classes(Picture picture, std::span<const uint8_t> classes,
                     std::span<const PictureColor> colors);

/// A probability in 0..1 (255 = 1) as grey.
Picture grey_picture(const Extent& extent, std::span<const uint8_t> values);

/// `picture` with the borders of the areas where `mask` (any size, one byte a pixel, not 0 and not
/// kIgnoredLabel) covers it, drawn in `color`.
Picture draw_outline(Picture picture, const Extent& mask_extent, std::span<const uint8_t> mask,
                     const PictureColor& color);

/// Writes the panels side by side, titles above and the legend below, as an RGB PNG; whole or not
/// at all. Throws DataError.
void write_preview(const std::filesystem::path& path, std::span<const PreviewPanel> panels,
                   std::span<const LegendEntry> legend = {});

/// Writes one picture as it is. Throws DataError.
void write_picture(const std::filesystem::path& path, const Picture& picture);

}  // namespace untiled
