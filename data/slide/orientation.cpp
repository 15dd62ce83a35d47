#include "data/slide/orientation.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "data/loader/augment.h"

namespace untiled {
namespace {

constexpr int kUpright = 1;

/// How the stored image is turned by each of TIFF's orientations: 5 to 8 have rows for columns.
Orientation turning(int orientation) {
  constexpr std::array<Orientation, 8> kTurnings = {{{false, false, false},
                                                     {false, false, true},
                                                     {false, true, true},
                                                     {false, true, false},
                                                     {true, false, false},
                                                     {true, false, true},
                                                     {true, true, true},
                                                     {true, true, false}}};
  return kTurnings.at(static_cast<size_t>(orientation - 1));
}

/// A level of a reader as an image.
class LevelSource : public PixelSource {
 public:
  LevelSource(std::shared_ptr<const SlideReader> reader, int level)
      : reader_(std::move(reader)), level_(level) {}
  Extent extent() const override {
    return reader_->info().levels[static_cast<size_t>(level_)].extent;
  }
  int channels() const override { return 3; }
  PixelBlock read(const Region& region) const override { return reader_->read(level_, region); }

 private:
  std::shared_ptr<const SlideReader> reader_;
  int level_;
};

/// Tiles no longer begin at the corner, so that no region is made of whole ones by its coordinates.
SlideInfo turned_info(SlideInfo info, int orientation) {
  const Orientation turn = turning(orientation);
  // Parts come back to where they were by the turning that undoes this one.
  const Orientation back =
      turn.transpose ? Orientation{true, turn.flip_cols, turn.flip_rows} : turn;
  const Extent turned = oriented_extent(info.levels.front().extent, turn);
  if (info.bounds) info.bounds = region_before(*info.bounds, turned, back);
  for (LevelInfo& level : info.levels) {
    level.extent = oriented_extent(level.extent, turn);
    level.tile = {};
  }
  if (turn.transpose) std::swap(info.mpp_x, info.mpp_y);
  info.warnings.push_back(
      fmt::format("its orientation tag {} is applied: coordinates are those of the upright image",
                  orientation));
  return info;
}

class UprightReader : public SlideReader {
 public:
  UprightReader(const std::shared_ptr<const SlideReader>& reader, int orientation)
      : SlideReader(turned_info(reader->info(), orientation)) {
    for (size_t level = 0; level < reader->info().levels.size(); ++level) {
      levels_.push_back(make_oriented(
          std::make_shared<LevelSource>(reader, static_cast<int>(level)), turning(orientation)));
    }
  }

 private:
  PixelBlock read_pixels(int level, const Region& region) const override {
    return levels_[static_cast<size_t>(level)]->read(region);
  }

  std::vector<std::shared_ptr<const PixelSource>> levels_;
};

}  // namespace

std::shared_ptr<const SlideReader> upright(std::shared_ptr<const SlideReader> reader,
                                           int orientation) {
  if (orientation == kUpright) return reader;
  return std::make_shared<UprightReader>(reader, orientation);
}

std::shared_ptr<const PixelSource> upright(std::shared_ptr<const PixelSource> mask,
                                           int orientation) {
  return make_oriented(std::move(mask), turning(orientation));
}

}  // namespace untiled
