// Options of how the pixels of a slide get their labels.
#pragma once

namespace untiled {

enum class LabelMethod { kOtsu, kRobust, kMask };

/// Which objects of GeoJSON are labels; kAll: detections, cells and tiles as well as annotations.
enum class LabelObjects { kAnnotations, kAll };

/// What pixels are that no annotation covers.
enum class Unannotated { kAuto, kIgnored, kBackground };

struct LabelSettings {
  LabelMethod method = LabelMethod::kOtsu;  ///< kMask: the manifest's mask column.
  double mpp = 8.0;                         ///< Scale at which tissue labels are made.
  double median_um = 40.0;                  ///< Diameter of the median filter.
  double min_hole_um2 = 20000.0;            ///< Smaller holes are filled.
  double min_object_um2 = 20000.0;          ///< Smaller pieces are dropped.
  Unannotated unannotated = Unannotated::kAuto;
  LabelObjects objects = LabelObjects::kAnnotations;
};

}  // namespace untiled
