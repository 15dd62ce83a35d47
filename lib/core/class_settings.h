// The classes of pixels.
#pragma once

#include <array>
#include <string>

namespace untiled {

/// A class that the network tells apart.
struct ClassSettings {
  std::string name;
  int value = 0;                         ///< Its pixel value in masks, 0-254 (255: see ignore).
  std::array<int, 3> color = {0, 0, 0};  ///< RGB in pictures.
  double weight = 1.0;                   ///< Weight of its pixels in the loss.
};

}  // namespace untiled
