// Annotations that people drew, as QuPath writes them (FORMATS.md, "Labels in").
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/slide/view.h"
#include "lib/config/settings.h"
#include "lib/core/pixel_source.h"

namespace untiled {

/// In level-0 pixels of the slide's frame.
struct Vertex {
  double x = 0;
  double y = 0;
};

/// One annotation: inside by the even-odd rule of all its rings, so holes are left out.
struct Annotation {
  std::string class_name;  ///< Empty: unclassified.
  std::vector<std::vector<Vertex>> rings;
};

struct Annotations {
  std::vector<Annotation> areas;  ///< Polygons and ellipses, in the file's order.
  int64_t skipped_lines = 0;      ///< Points and lines, which have no area.
  int64_t skipped_planes = 0;     ///< Objects of other planes than 0.
};

/// Reads a FeatureCollection, an array of features, one feature or a bare geometry, gzipped or not.
/// Throws DataError naming the file and, where it can, the feature.
Annotations read_annotations(const std::filesystem::path& path);

/// Whether a file begins as GeoJSON or gzip does.
bool looks_like_geojson(const std::filesystem::path& path);

/// Labels of a view's pixels, 1 channel: a pixel belongs to the annotation that holds its centre.
/// - Classes are found by name in `classes`, capitals aside; of overlapping ones that which is
/// later
///   in the list counts. Without classes, Tissue and unclassified areas are 1. With one class all
///   others are 0.
/// - Where there are Region* annotations, pixels outside them are ignored; so are those in
///   Ignore* ones.
/// - Pixels in no annotation: see LabelSettings::unannotated. The background is 0 with one class,
///   else the class of that name; inside Region* it is what is not annotated, unless the setting
///   says ignored.
/// Rows are filled when they are read; memory is the outlines. Any thread. Throws DataError naming
/// the file and a class that is not known.
std::shared_ptr<const PixelSource> make_annotation_labels(const std::filesystem::path& path,
                                                          const Annotations& annotations,
                                                          const ViewInfo& view,
                                                          const std::vector<ClassSettings>& classes,
                                                          Unannotated unannotated);

}  // namespace untiled
