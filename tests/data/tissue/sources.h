// Pixel sources and views made up for tests.
#pragma once

#include <functional>

#include "data/slide/view.h"
#include "lib/core/pixel_source.h"

namespace untiled {

/// A source whose byte at (row, column, channel) is a function.
class FunctionSource : public PixelSource {
 public:
  using Value = std::function<int64_t(int64_t row, int64_t col, int channel)>;
  FunctionSource(const Extent& extent, int channels, Value value)
      : extent_(extent), channels_(channels), value_(std::move(value)) {}
  Extent extent() const override { return extent_; }
  int channels() const override { return channels_; }

  PixelBlock read(const Region& region) const override {
    PixelBlock block{region, channels_, {}, {}};
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
        for (int channel = 0; channel < channels_; ++channel) {
          block.bytes.push_back(static_cast<uint8_t>(value_(row, col, channel)));
        }
      }
    }
    return block;
  }

 private:
  Extent extent_;
  int channels_;
  Value value_;
};

/// All of a frame that starts at the slide's corner, at 1/downsample.
inline ViewInfo whole_view(const Extent& slide, int64_t downsample = 1) {
  ViewInfo view;
  view.extent = {ceil_div(slide.rows, downsample), ceil_div(slide.cols, downsample)};
  view.downsample_x = view.downsample_y = static_cast<double>(downsample);
  view.frame_level0 = whole(slide);
  return view;
}

}  // namespace untiled
