// What a mask's files say of it: its classes, its size and where it lies on the slide.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/origin.h"
#include "lib/core/region.h"
#include "lib/output/png_writer.h"

namespace untiled {

struct MaskClass {
  std::string name;
  int value = 0;  ///< In masks, as data.classes says.
  std::array<int, 3> color = {0, 0, 0};
};

/// A mask of class indices (positions in `classes`) or kIgnoredLabel. Its pixel (row, col) covers
/// the square from (offset + index * downsample) on in level-0 pixels of the slide's frame.
struct MaskFacts {
  Extent extent;
  double downsample_x = 1;  ///< Level-0 pixels per mask pixel.
  double downsample_y = 1;
  double offset_x = 0;  ///< Of the mask's corner, in level-0 pixels of the frame.
  double offset_y = 0;
  std::optional<OutputScale> scale;  ///< Of the mask's pixels; none when unknown.
  Origin origin = Origin::kQuPath;
  std::vector<MaskClass> classes;  ///< One or none: index 1 is that class (tissue), 0 the rest.
};

/// Rows and columns of the mask of a slide: ceil(slide / d).
Extent mask_extent(const Extent& slide, int64_t downsample);

/// The same mask at 1 / d.
MaskFacts reduced(const MaskFacts& facts, int64_t d);

/// Class indices that occur: 2 with one class or none.
int label_count(const MaskFacts& facts);

/// What stands in PNG and TIFF for each class index. One class: 0 and 255, and pixels without data
/// are 0. More: the classes' values, so that the file can be read back as a mask, and pixels
/// without data are 255, which stands for ignored ones.
std::array<uint8_t, 256> file_values(const std::vector<MaskClass>& classes);

/// Value and name of each value that file_values gives to a class.
std::vector<MaskClass> file_classes(const std::vector<MaskClass>& classes);

std::string to_string(Origin origin);

}  // namespace untiled
