// Annotations that people drew, as QuPath writes them (FORMATS.md, "Labels in").
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/slide/view.h"
#include "data/tissue/label_settings.h"
#include "data/tissue/vertex_rings.h"
#include "lib/core/class_settings.h"
#include "lib/core/pixel_source.h"

namespace untiled {

/// What lies inside its outline and in none of its holes. A ring holds every point around which it
/// goes, however often and whichever way.
struct AreaPolygon {
  VertexRing outline;
  std::vector<VertexRing> holes;
};

/// One annotation: the union of its polygons.
struct Annotation {
  std::string class_name;  ///< Empty: unclassified.
  std::vector<AreaPolygon> polygons;
};

struct Annotations {
  std::vector<Annotation> areas;                   ///< Polygons and ellipses, in the file's order.
  int64_t skipped_lines = 0;                       ///< Points and lines, which have no area.
  int64_t skipped_planes = 0;                      ///< Objects of other planes than 0.
  std::map<std::string, int64_t> skipped_objects;  ///< By kind: TMA cores and others.
};

inline constexpr int64_t kUsualAnnotationBytes = int64_t{4} << 30;

/// Reads a FeatureCollection, an array of features, one feature or a bare geometry, or one of them
/// a line, gzipped or not, as QuPath, geopandas and Python's json write them: NaN and infinite
/// numbers stand for nothing, and a classification may be JSON in a text. Objects are annotations
/// or say nothing of what they are; of those of other kinds detections, cells and tiles are taken
/// where `objects` says so. Throws DataError naming the file and, where it can, the feature; and
/// before it is parsed for one that would take more than `most_bytes` of memory, or is nested
/// deeply.
Annotations read_annotations(const std::filesystem::path& path,
                             LabelObjects objects = LabelObjects::kAnnotations,
                             int64_t most_bytes = kUsualAnnotationBytes);

/// What reading a file takes, about; a gzipped one is unpacked for it, as far as `most_bytes`
/// allow. Throws DataError when it cannot be opened.
int64_t annotation_bytes(const std::filesystem::path& path, int64_t most_bytes);

/// How many areas lie outside a slide of `extent` at level 0, in its frame's coordinates.
int64_t count_outside(const Annotations& annotations, const Extent& extent);

/// How many areas are less than a pixel wide and high, as those are whose unit is no pixel.
int64_t count_tiny(const Annotations& annotations);

/// Whether a file begins as GeoJSON or gzip does.
bool looks_like_geojson(const std::filesystem::path& path);

/// Labels of a view's pixels, 1 channel: a pixel belongs to the annotation that holds its centre.
/// - Classes are found by name in `classes`, capitals aside; of overlapping ones that which is
///   later in the list counts. Without classes, Tissue and unclassified areas are 1.
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
