// Masks as tiled BigTIFF pyramids (FORMATS.md, "Masks out").
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>

#include "lib/output/mask_facts.h"
#include "lib/output/tile_pyramid.h"

namespace untiled {

enum class MaskTiffKind {
  kOme,      ///< <id>.ome.tif: OME-XML, levels in SubIFDs; QuPath, Bio-Formats, tifffile.
  kGeneric,  ///< <id>.tif: levels in the main chain; OpenSlide, QuPath.
};

/// file_values of the classes, tile by tile. A reduced pixel is the class that most of the
/// full-size pixels under it have; ties go to the smaller index, and where there are several
/// classes pixels without data do not count.
/// Compressed bytes depend on the mask alone.
class MaskTiff {
 public:
  using EncodedTile = TilePyramid::EncodedTile;

  /// `name` is the image's in OME-XML. Throws DataError when the file cannot be created.
  MaskTiff(const std::filesystem::path& path, const MaskFacts& facts, MaskTiffKind kind,
           const std::string& name);

  /// See TilePyramid; `classes` are the class indices of one of the pyramid's tiles.
  EncodedTile encode(const Region& tile, std::span<const uint8_t> classes) const;
  void write(EncodedTile tile) { pyramid_.write(std::move(tile)); }
  void finish();

 private:
  MaskTiffKind kind_;
  std::array<uint8_t, 256> values_{};  ///< By class index.
  TilePyramid pyramid_;
};

}  // namespace untiled
