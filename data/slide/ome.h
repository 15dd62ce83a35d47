// The few facts of an OME-XML description (OME-TIFF's ImageDescription) that reading pixels needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace untiled {

/// The first image of an OME-XML document.
struct OmeImage {
  std::optional<double> mpp_x;
  std::optional<double> mpp_y;
  std::optional<double> objective_power;
  int64_t size_c = 1;
  int64_t size_z = 1;
  int64_t size_times = 1;
  std::vector<int64_t> channel_colors;  ///< RGBA packed as OME does; empty when not all are given.
};

/// Nothing when `description` is no OME-XML.
std::optional<OmeImage> parse_ome(std::string_view description);

}  // namespace untiled
