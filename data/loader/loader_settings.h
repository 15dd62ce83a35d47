// Options of what is done to pixels on their way to the network.
#pragma once

namespace untiled {

/// Where decoded pixels are kept; kAuto is resolved by who knows the budget.
enum class CacheMode { kAuto, kNone, kRam, kDisk };

/// Who decodes JPEG tiles for a network; kAuto: the device where it can and nothing else needs
/// their pixels, else the host.
enum class DecodeChoice { kAuto, kHost, kGpu, kNvimgcodecHost };

struct AugmentSettings {
  bool flip = false;        ///< Random mirror images, exact.
  bool rotate = false;      ///< Random quarter turns, exact.
  double stain = 0.0;       ///< Standard deviation of haematoxylin and eosin's relative strength.
  double brightness = 0.0;  ///< Standard deviation of brightness, relative.
};

}  // namespace untiled
