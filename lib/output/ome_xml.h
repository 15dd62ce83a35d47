// OME-XML, schema 2016-06: what OME-TIFF readers take sizes, scale and classes from.
#pragma once

#include <optional>
#include <string>

#include "lib/output/mask_facts.h"

namespace untiled {

/// A document for a mask of one 8-bit plane: its extent, physical pixel size where known, and as
/// key-value pairs its classes, origin and downsample. UTF-8. No date, host or path.
std::string ome_xml(const MaskFacts& facts, const std::string& name);

/// An image of interleaved red, green and blue.
struct ColorFacts {
  Extent extent;
  bool is_float = false;  ///< Else 8 bits.
  std::optional<OutputScale> scale;
};

/// The same for such an image; without annotations.
std::string color_ome_xml(const ColorFacts& facts, const std::string& name);

}  // namespace untiled
