#include "data/slide/tiff_pyramid.h"

#include <fmt/format.h>
#include <tiff.h>

#include <algorithm>
#include <cmath>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// Red, green and blue as OME packs colours (RGBA, alpha 255).
const std::vector<int64_t> kRgbColors = {-16776961, 16711935, 65535};

bool is_reduced(const TiffDirectory& directory) {
  return (directory.subfile_type & FILETYPE_REDUCEDIMAGE) != 0;
}

size_t find_base(const TiffFile& file) {
  const auto rank = [](const TiffDirectory& directory) {
    const bool whole_image =
        (directory.subfile_type & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0;
    return std::pair(whole_image, directory.extent.area());
  };
  const auto best = std::max_element(
      file.main.begin(), file.main.end(),
      [&](const TiffDirectory& a, const TiffDirectory& b) { return rank(a) < rank(b); });
  return static_cast<size_t>(best - file.main.begin());
}

bool same_aspect(const Extent& level0, const Extent& level) {
  const double rows = static_cast<double>(level0.rows) / static_cast<double>(level.rows);
  const double cols = static_cast<double>(level0.cols) / static_cast<double>(level.cols);
  const double smallest = static_cast<double>(std::min(level.rows, level.cols));
  return std::abs(rows / cols - 1) < 0.01 + 1.5 / smallest;
}

/// Positions in the main chain of the planes of the image at `base`: itself, or three channels.
std::vector<size_t> plane_indices(const std::filesystem::path& path, const TiffFile& file,
                                  size_t base, const std::optional<OmeImage>& ome) {
  const TiffDirectory& first = file.main[base];
  if (!ome || ome->size_c <= 1 || ome->size_c == first.samples) return {base};
  const bool colors_fit = ome->channel_colors.empty() || ome->channel_colors == kRgbColors;
  const bool planes_fit = ome->size_c == 3 && first.samples == 1 && ome->size_z == 1 &&
                          ome->size_times == 1 && base + 3 <= file.main.size() &&
                          file.main[base + 1].extent == first.extent &&
                          file.main[base + 2].extent == first.extent;
  if (!colors_fit || !planes_fit) {
    throw DataError(fmt::format(
        "{} cannot be read as RGB: it has {} channels of its own; export three as 8-bit RGB",
        path.string(), ome->size_c));
  }
  return {base, base + 1, base + 2};
}

void add_sub_levels(const TiffFile& file, const std::vector<size_t>& planes, TiffPyramid& pyramid) {
  for (size_t i = 0; i < file.sub[planes.front()].size(); ++i) {
    TiffLevel level;
    for (const size_t plane : planes) {
      if (i >= file.sub[plane].size()) continue;
      const TiffDirectory& reduced = file.sub[plane][i];
      const bool same_samples = reduced.samples == file.main[plane].samples;
      if (same_samples && decoding_obstacle(reduced).empty()) level.planes.push_back(reduced);
    }
    const bool complete = level.planes.size() == planes.size();
    if (complete && same_aspect(pyramid.levels.front().extent(), level.extent())) {
      pyramid.levels.push_back(std::move(level));
    }
  }
}

void add_chain_levels(const TiffFile& file, TiffPyramid& pyramid) {
  for (const TiffDirectory& directory : file.main) {
    if (is_reduced(directory) && directory.subfile_type == FILETYPE_REDUCEDIMAGE &&
        same_aspect(pyramid.levels.front().extent(), directory.extent) &&
        decoding_obstacle(directory).empty()) {
      pyramid.levels.push_back({{directory}});
    }
  }
}

void sort_largest_first(std::vector<TiffLevel>& levels) {
  std::stable_sort(levels.begin(), levels.end(), [](const TiffLevel& a, const TiffLevel& b) {
    return a.extent().area() > b.extent().area();
  });
  const auto repeated =
      std::unique(levels.begin(), levels.end(),
                  [](const TiffLevel& a, const TiffLevel& b) { return a.extent() == b.extent(); });
  levels.erase(repeated, levels.end());
}

void warn_of_unread_images(const TiffFile& file, TiffPyramid& pyramid) {
  if (pyramid.ome && (pyramid.ome->size_z > 1 || pyramid.ome->size_times > 1)) {
    pyramid.warnings.push_back(
        fmt::format("it holds {} focal planes and {} times; the first is read", pyramid.ome->size_z,
                    pyramid.ome->size_times));
    return;
  }
  const auto whole_images = std::count_if(file.main.begin(), file.main.end(),
                                          [](const TiffDirectory& d) { return !is_reduced(d); });
  const auto unread = whole_images - static_cast<int64_t>(pyramid.levels.front().planes.size());
  if (unread > 0) {
    pyramid.warnings.push_back(
        fmt::format("it holds {} further images; the largest is read", unread));
  }
}

const TiffDirectory* find_tiled(const TiffFile& file, const Extent& extent) {
  for (const TiffDirectory& directory : file.main) {
    if (directory.tiled && directory.extent == extent) return &directory;
  }
  return nullptr;
}

}  // namespace

TiffPyramid choose_pyramid(const std::filesystem::path& path, const TiffFile& file) {
  const size_t base = find_base(file);
  const TiffDirectory& first = file.main[base];
  TiffPyramid pyramid;
  pyramid.ome = parse_ome(file.main.front().description);
  const std::vector<size_t> planes = plane_indices(path, file, base, pyramid.ome);
  for (const size_t plane : planes) {
    if (const std::string obstacle = decoding_obstacle(file.main[plane]); !obstacle.empty()) {
      throw DataError(fmt::format("{} cannot be read: {}", path.string(), obstacle));
    }
  }
  pyramid.levels.emplace_back();
  for (const size_t plane : planes) pyramid.levels.front().planes.push_back(file.main[plane]);
  if (!first.reduced.empty()) {
    add_sub_levels(file, planes, pyramid);
  } else {
    add_chain_levels(file, pyramid);
  }
  sort_largest_first(pyramid.levels);
  warn_of_unread_images(file, pyramid);
  return pyramid;
}

std::optional<std::vector<TiffLevel>> match_levels(const TiffFile& file,
                                                   const std::vector<LevelInfo>& levels) {
  std::vector<TiffLevel> matched;
  for (const LevelInfo& level : levels) {
    const TiffDirectory* directory = find_tiled(file, level.extent);
    if (directory == nullptr || !decoding_obstacle(*directory).empty() ||
        directory->has_missing_blocks()) {
      return std::nullopt;
    }
    matched.push_back({{*directory}});
  }
  return matched;
}

}  // namespace untiled
