// A slide as a network sees it: at one level or one scale, in one frame, perhaps cropped.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/slide/reader.h"
#include "lib/core/origin.h"
#include "lib/core/pixel_source.h"

namespace untiled {

struct ViewOptions {
  int level = 0;              ///< Pyramid level; ignored when `mpp` is set.
  std::optional<double> mpp;  ///< Micrometres per pixel of the view, both axes.
  bool exact_extent = false;  ///< With `mpp`: ceil(frame / downsample) pixels, see make_view.
  std::optional<double> stated_mpp;   ///< Level 0's scale by command line or manifest: beats all.
  std::optional<double> assume_mpp;   ///< Level 0's scale where the slide says none or guesses.
  Origin origin = Origin::kQuPath;    ///< The frame: QuPath's starts at the slide's bounds.
  std::optional<Region> crop_level0;  ///< Level-0 pixels of that frame; nothing: all of it.
};

/// Where a view's pixels lie. View pixel (i, j) covers level-0 rows
/// [offset_y_level0 + i * downsample_y, offset_y_level0 + (i + 1) * downsample_y) of the whole
/// slide, and columns likewise; subtract the corner of `frame_level0` for the frame's coordinates.
struct ViewInfo {
  Extent extent;
  int level = 0;           ///< The level that is read.
  bool resampled = false;  ///< By area average of that level.
  double downsample_x = 1;
  double downsample_y = 1;
  double offset_x_level0 = 0;
  double offset_y_level0 = 0;
  Region frame_level0;          ///< QuPath: the bounds where there are some; else the whole slide.
  std::optional<double> mpp_x;  ///< Of the view.
  std::optional<double> mpp_y;
  std::string mpp_source = "none";  ///< "stated", "assumed", or the slide's own source.
};

/// RGB pixels of a view. All methods may be called from any thread; a pixel's value never depends
/// on the region asked for.
class SlideView : public PixelSource {
 public:
  const ViewInfo& info() const { return info_; }
  const SlideReader& reader() const { return *reader_; }
  /// The file's own tile that holds a cell, in the view's pixels; kOther where pixels are made of
  /// several.
  virtual StoredTile stored_tile(const Region& /*cell*/) const { return {}; }
  Extent extent() const override { return info_.extent; }
  int channels() const override { return 3; }

 protected:
  SlideView(std::shared_ptr<const SlideReader> reader, ViewInfo info)
      : info_(std::move(info)), reader_(std::move(reader)) {}

 private:
  ViewInfo info_;
  std::shared_ptr<const SlideReader> reader_;
};

/// A level within 0.5 % of the scale asked for is taken as it is; else the next finer one is
/// averaged. A level's pixels may begin before the frame and end short of it or beyond; with
/// `exact_extent` such a level is averaged too, its last row and column repeated where it is short.
/// Throws DataError: a level or crop that the slide does not have, a scale asked for of a
/// slide whose own is unknown.
std::shared_ptr<const SlideView> make_view(std::shared_ptr<const SlideReader> reader,
                                           const ViewOptions& options);

/// The frame of an origin in level 0.
Region frame_of(const SlideInfo& info, Origin origin);

}  // namespace untiled
