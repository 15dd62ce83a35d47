// Masks as GeoJSON that QuPath opens (FORMATS.md, "Masks out").
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lib/core/atomic_file.h"
#include "lib/output/contours.h"
#include "lib/output/mask_facts.h"
#include "lib/output/simplify.h"

namespace untiled {

/// A class that is drawn: all but one that is called background or begins with "ignore".
bool is_drawn(const MaskClass& c);

/// One polygon for each 4-connected piece of each drawn class, in level-0 pixels of the frame, the
/// area in um^2 where the scale is known, an id that depends on slide, class and corners. With
/// tolerance 0 rasterising gives the mask back. Up to 5,000 pieces are annotations, more are
/// detections, which QuPath draws faster. The bytes depend on the mask alone. One thread.
class MaskGeoJson {
 public:
  /// `tolerance` in mask pixels, see Simplifier. Throws DataError when the file cannot be created.
  MaskGeoJson(const std::filesystem::path& path, MaskFacts facts, std::string slide_id,
              double tolerance);
  ~MaskGeoJson();

  /// The next row, from the top down. Throws DataError (a full disk, say).
  void write_row(const MaskRow& row);
  /// After the last row: puts the file in place. Throws DataError.
  void finish();

  /// Polygons so far.
  int64_t objects() const { return objects_; }

 private:
  struct Layer;
  class LineFile;

  void write_polygon(const MaskClass& c, const PixelPolygon& polygon);
  void write_ring(const Ring& ring, bool is_first);

  std::filesystem::path path_;
  MaskFacts facts_;
  std::string slide_id_;
  Simplifier simplify_;
  std::unique_ptr<LineFile> features_;  ///< One a line, until their number is known.
  std::vector<std::unique_ptr<Layer>> layers_;
  int64_t objects_ = 0;
  bool is_whole_ = true;    ///< Corners are whole numbers of pixels.
  std::vector<char> text_;  ///< Of a ring.
};

}  // namespace untiled
