#include "data/tissue/label_doubts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mutex>
#include <set>

#include "lib/core/progress.h"

namespace untiled {

std::vector<std::string> doubts_about(const Annotations& annotations, const Extent& extent) {
  std::vector<std::string> doubts;
  if (annotations.skipped_lines + annotations.skipped_planes > 0) {
    doubts.push_back(fmt::format(
        "left out {} points or lines, which have no area, and {} objects of other planes than the "
        "first",
        annotations.skipped_lines, annotations.skipped_planes));
  }
  std::vector<std::string> kinds;
  for (const auto& [kind, count] : annotations.skipped_objects) {
    kinds.push_back(fmt::format("{} of type {}", count, kind));
  }
  if (!kinds.empty()) {
    doubts.push_back(fmt::format(
        "left out objects that are no annotations, {} (labels.objects: all takes detections, cells "
        "and tiles)",
        fmt::join(kinds, ", ")));
  }
  const int64_t outside = count_outside(annotations, extent);
  if (outside > 0) {
    doubts.push_back(fmt::format(
        "{} of its {} annotations lie outside the slide, which has {}: are they of another slide?",
        outside, annotations.areas.size(), to_string(extent)));
  }
  const int64_t tiny = count_tiny(annotations);
  if (tiny > 0) {
    doubts.push_back(fmt::format(
        "{} of its {} annotations are smaller than a pixel; GeoJSON counts in pixels of "
        "the full resolution: is it in micrometres?",
        tiny, annotations.areas.size()));
  }
  if (annotations.areas.empty()) doubts.emplace_back("it holds no annotation with an area");
  return doubts;
}

void warn_once(const std::filesystem::path& path, const std::vector<std::string>& doubts) {
  static std::mutex mutex;
  static std::set<std::filesystem::path> warned;
  if (doubts.empty()) return;
  const std::lock_guard lock(mutex);
  if (!warned.insert(path).second) return;
  for (const std::string& doubt : doubts) warn(fmt::format("{}: {}", path.string(), doubt));
}

}  // namespace untiled
