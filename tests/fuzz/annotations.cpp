// Annotations in GeoJSON, gzipped or not, and their labels.
#include "data/tissue/annotations.h"

#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  const auto path = as_file(bytes, ".geojson");
  looks_like_geojson(path);
  constexpr int64_t kMostBytes = 64 << 20;
  const Annotations found = read_annotations(path, LabelObjects::kAll, kMostBytes);
  count_outside(found, {64, 64});
  ViewInfo view;
  view.extent = {64, 64};
  view.frame_level0 = {{0, 64}, {0, 64}};
  make_annotation_labels(path, found, view, {}, Unannotated::kAuto)->read(whole(view.extent));
})
