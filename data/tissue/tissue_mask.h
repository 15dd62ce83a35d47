// What a method of finding tissue says.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/tissue/overview.h"

namespace untiled {

/// Micrometres per pixel.
struct PixelSize {
  double x_um = 0;
  double y_um = 0;

  double area_um2() const { return x_um * y_um; }
};

struct TissueMask {
  Bytes classes;  ///< As the overview's pixels: 1 tissue, 0 none, kIgnoredLabel no data.
  std::optional<double> threshold;  ///< Of the method's measure; none for a blank slide.
  double fraction = 0;              ///< Tissue over pixels with data.
  std::string empty_reason;         ///< Why there is no tissue at all.
  double confidence = 1;            ///< 0 to 1: below kDoubtful a person should look.
  std::vector<std::string> confidence_reasons;  ///< What it was lowered for, and how it was found.
  std::vector<std::string> warnings;            ///< Why a person should look at the result.
};

inline constexpr double kDoubtful = 0.5;

/// Classes and fraction from 1 for tissue and 0 for none, a byte a pixel; pixels of the overview
/// without data become kIgnoredLabel.
TissueMask tissue_mask(std::span<const uint8_t> mask, const Overview& overview);

/// The same of a picture without tissue.
TissueMask no_tissue(const Overview& overview, std::string reason);

}  // namespace untiled
