// Options of what is done to pixels on their way to the network.
#pragma once

namespace untiled {

/// Where decoded pixels are kept; kAuto is resolved by who knows the budget.
enum class CacheMode { kAuto, kNone, kRam, kDisk };

struct AugmentSettings {
  bool flip = false;        ///< Random mirror images, exact.
  bool rotate = false;      ///< Random quarter turns, exact.
  double stain = 0.0;       ///< Standard deviation of haematoxylin and eosin's relative strength.
  double brightness = 0.0;  ///< Standard deviation of brightness, relative.
};

}  // namespace untiled
