#include "data/slide/tiff_pyramid.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <tiff.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "data/slide/image_description.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

bool is_reduced(const TiffDirectory& directory) {
  return (directory.subfile_type & FILETYPE_REDUCEDIMAGE) != 0;
}

/// The image of an OME-XML description that a directory is: the one whose planes TiffData puts
/// there, or else one of its size, or the only one.
const OmeImage* image_of(const std::vector<OmeImage>& images, const TiffFile& file,
                         size_t directory) {
  const Extent& extent = file.main[directory].extent;
  const auto fits = [&](const OmeImage& image) {
    return image.size_x == 0 || Extent{image.size_y, image.size_x} == extent;
  };
  const OmeImage* of_its_size = nullptr;
  for (const OmeImage& image : images) {
    if (!fits(image)) continue;
    if (holds_directory(image, static_cast<int64_t>(directory))) return &image;
    if (of_its_size == nullptr) of_its_size = &image;
  }
  if (of_its_size != nullptr) return of_its_size;
  return images.size() == 1 ? &images.front() : nullptr;
}

/// Whether a directory is a picture beside the slide by its name or its tags.
bool is_other_picture(const TiffFile& file, size_t index, const std::vector<OmeImage>& images) {
  constexpr uint32_t kAperioMacro = FILETYPE_REDUCEDIMAGE | 8;
  const TiffDirectory& directory = file.main[index];
  if (names_other_picture(directory.page_name)) return true;
  if ((directory.subfile_type & FILETYPE_MASK) != 0) return true;
  if (is_aperio(file.main.front()) && directory.subfile_type == kAperioMacro) return true;
  if (images.empty()) return names_other_picture(directory.description);
  const OmeImage* const image = image_of(images, file, index);
  return image != nullptr && names_other_picture(image->name);
}

size_t find_main_image(const TiffFile& file, const std::vector<OmeImage>& images) {
  size_t best = 0;
  std::tuple<bool, int64_t, bool> best_rank;
  for (size_t i = 0; i < file.main.size(); ++i) {
    const TiffDirectory& directory = file.main[i];
    const std::tuple rank(!is_other_picture(file, i, images), directory.extent.area(),
                          !is_reduced(directory));
    if (i > 0 && rank <= best_rank) continue;
    best = i;
    best_rank = rank;
  }
  return best;
}

std::vector<std::string> channel_names(const OmeImage& image) {
  std::vector<std::string> names;
  for (const OmeChannel& channel : image.channels) {
    if (!channel.name.empty()) names.push_back(channel.name);
  }
  return names;
}

[[noreturn]] void refuse_channels(const std::filesystem::path& path, const OmeImage& image) {
  const std::vector<std::string> names = channel_names(image);
  throw DataError(fmt::format(
      "{} cannot be read as RGB: it has {} channels of its own{}; export three as 8-bit RGB",
      path.string(), image.size_c,
      names.empty() ? "" : fmt::format(" ({})", fmt::join(names, ", "))));
}

/// How many grey pages have the size of the one at `base`, itself among them.
int64_t count_grey_pages(const TiffFile& file, size_t base) {
  const Extent& extent = file.main[base].extent;
  return std::count_if(file.main.begin(), file.main.end(), [&](const TiffDirectory& page) {
    constexpr uint32_t kNoPage = FILETYPE_REDUCEDIMAGE | FILETYPE_MASK;
    return page.samples == 1 && page.extent == extent && (page.subfile_type & kNoPage) == 0;
  });
}

/// ImageJ, scanners of fluorescence and others keep each channel in a grey page of its own, and the
/// first is no slide. ImageJ says which pages are slices, of which the first is one.
void require_one_channel(const std::filesystem::path& path, const TiffFile& file, size_t base) {
  const TiffDirectory& first = file.main.front();
  if (const int64_t channels = imagej_channels(first); channels > 1) {
    throw DataError(fmt::format(
        "{} cannot be read as RGB: ImageJ says that it has {} channels, each in a page of its own; "
        "make it RGB there (Image, Type, RGB Color) or export three as 8-bit RGB",
        path.string(), channels));
  }
  const int64_t pages = count_grey_pages(file, base);
  if (pages <= 1 || is_imagej(first)) return;
  throw DataError(fmt::format(
      "{} cannot be read as RGB: it has {} grey pages of {}, channels perhaps; export three as "
      "8-bit RGB, or the one to read as a file of its own",
      path.string(), pages, to_string(file.main[base].extent)));
}

/// A file of several whose channels and scale stand in another one: a grey plane may be any of
/// them.
void note_companion(const std::filesystem::path& path, const TiffFile& file, TiffPyramid& pyramid) {
  const auto companion = companion_of(file.main.front().description);
  if (!companion) return;
  if (file.main[pyramid.main].samples == 1) {
    throw DataError(fmt::format(
        "{} cannot be read as RGB: its channels are described in {}, which is not read; export it "
        "as one OME-TIFF of 8-bit RGB",
        path.string(), *companion));
  }
  pyramid.warnings.push_back(
      fmt::format("its scale is described in {}, which is not read", *companion));
}

/// Positions in the main chain of the planes of the image at `base`: the first focal plane and
/// time, in one directory or, red, green and blue, in three.
std::vector<size_t> plane_indices(const std::filesystem::path& path, const TiffFile& file,
                                  size_t base, const std::optional<OmeImage>& ome) {
  const TiffDirectory& first = file.main[base];
  if (!ome && first.samples == 1) require_one_channel(path, file, base);
  if (!ome) return {base};
  const auto directory = [&](int64_t channel, size_t otherwise) {
    const auto said = directory_of(*ome, channel, first.samples);
    const auto index = said ? static_cast<size_t>(*said) : otherwise;
    const bool usable = index < file.main.size() && file.main[index].extent == first.extent &&
                        file.main[index].samples == first.samples;
    return usable ? std::optional(index) : std::nullopt;
  };
  if (ome->size_c <= 1 || ome->size_c == first.samples) {
    return {directory(0, base).value_or(base)};
  }
  const auto colors = rgb_channels(*ome);
  std::vector<size_t> planes;
  for (size_t c = 0; c < 3 && colors && first.samples == 1; ++c) {
    const auto channel = colors->at(c);
    const auto plane = directory(channel, base + static_cast<size_t>(channel));
    const bool is_new = plane && std::find(planes.begin(), planes.end(), *plane) == planes.end();
    if (is_new) planes.push_back(*plane);
  }
  if (planes.size() != 3) refuse_channels(path, *ome);
  return planes;
}

StoredLevel stored_level(const TiffDirectory& level0, const TiffDirectory& level) {
  StoredLevel stored{level.extent, level.tiled ? level.tile : Extent{}, {}};
  const bool told = level0.x_resolution > 0 && level0.y_resolution > 0 && level.x_resolution > 0 &&
                    level.y_resolution > 0 && level0.resolution_unit == level.resolution_unit;
  if (!told) return stored;
  const double x = level0.x_resolution / level.x_resolution;
  const double y = level0.y_resolution / level.y_resolution;
  stored.stated = std::sqrt(x * y);
  return stored;
}

/// Whether the planes of a level are of one shape with the slide's and can be decoded.
bool is_level_of(const TiffDirectory& level0, const TiffDirectory& level) {
  return level.samples == level0.samples && level.orientation == level0.orientation &&
         decoding_obstacle(level).empty() &&
         has_shape_of(level0.extent, stored_level(level0, level));
}

void add_sub_levels(const TiffFile& file, const std::vector<size_t>& planes, TiffPyramid& pyramid) {
  for (size_t i = 0; i < file.sub[planes.front()].size(); ++i) {
    TiffLevel level;
    for (const size_t plane : planes) {
      if (i >= file.sub[plane].size()) continue;
      const TiffDirectory& reduced = file.sub[plane][i];
      if (is_level_of(file.main[plane], reduced)) level.planes.push_back(reduced);
    }
    if (level.planes.size() == planes.size()) pyramid.levels.push_back(std::move(level));
  }
}

/// Whether a directory of the main chain may be a reduced image of another one: Aperio marks none,
/// and others use the mark for macro images too.
bool may_be_level(const TiffFile& file, size_t index) {
  const TiffDirectory& directory = file.main[index];
  return directory.subfile_type == FILETYPE_REDUCEDIMAGE ||
         (is_aperio(file.main.front()) && directory.tiled);
}

/// The image that a reduced one belongs to: the nearest before it that is larger and has its shape,
/// else the nearest behind it.
std::optional<size_t> owner_of(const TiffFile& file, size_t reduced) {
  const TiffDirectory& level = file.main[reduced];
  const auto owns = [&](size_t i) {
    const TiffDirectory& candidate = file.main[i];
    return !may_be_level(file, i) && candidate.extent.area() > level.extent.area() &&
           is_level_of(candidate, level);
  };
  for (size_t i = reduced; i-- > 0;) {
    if (owns(i)) return i;
  }
  for (size_t i = reduced + 1; i < file.main.size(); ++i) {
    if (owns(i)) return i;
  }
  return std::nullopt;
}

/// Of several images in a chain, each with reduced ones, a level is the main image's where it is a
/// whole fraction of that, or stands behind it.
bool belongs_to(const TiffFile& file, size_t reduced, size_t main) {
  const TiffDirectory& level0 = file.main[main];
  const auto scaled =
      scale_levels({{level0.extent, {}, {}}, stored_level(level0, file.main[reduced])});
  const double downsample = scaled.back().downsample;
  if (downsample == std::floor(downsample)) return true;
  return owner_of(file, reduced).value_or(main) == main;
}

void add_chain_levels(const TiffFile& file, const std::vector<OmeImage>& images,
                      TiffPyramid& pyramid) {
  const TiffDirectory& level0 = file.main[pyramid.main];
  for (size_t i = 0; i < file.main.size(); ++i) {
    if (i == pyramid.main || !may_be_level(file, i) || is_other_picture(file, i, images)) continue;
    if (is_level_of(level0, file.main[i]) && belongs_to(file, i, pyramid.main)) {
      pyramid.levels.push_back({{file.main[i]}, {}});
    }
  }
}

void sort_largest_first(std::vector<TiffLevel>& levels) {
  const auto extent = [](const TiffLevel& level) { return level.first().extent; };
  std::stable_sort(levels.begin(), levels.end(), [&](const TiffLevel& a, const TiffLevel& b) {
    return extent(a).area() > extent(b).area();
  });
  const auto repeated =
      std::unique(levels.begin(), levels.end(),
                  [&](const TiffLevel& a, const TiffLevel& b) { return extent(a) == extent(b); });
  levels.erase(repeated, levels.end());
}

void scale(std::vector<TiffLevel>& levels) {
  std::vector<StoredLevel> stored;
  for (const TiffLevel& level : levels) {
    stored.push_back(stored_level(levels.front().first(), level.first()));
  }
  const std::vector<ScaledLevel> scaled = scale_levels(stored);
  for (size_t i = 0; i < levels.size(); ++i) levels[i].scaled = scaled[i];
}

/// How many directories have the slide's size and are the same image at another focus.
int64_t count_aperio_planes(const TiffFile& file, size_t main) {
  if (!is_aperio(file.main.front())) return 1;
  return std::count_if(file.main.begin(), file.main.end(), [&](const TiffDirectory& directory) {
    return directory.tiled && directory.extent == file.main[main].extent;
  });
}

void warn_of_dyes(TiffPyramid& pyramid) {
  if (!pyramid.ome || pyramid.ome->channels.size() != 3 || rgb_channels(*pyramid.ome)) return;
  pyramid.warnings.push_back(
      fmt::format("its channels are named {} and read as red, green and blue, as its TIFF says",
                  fmt::join(channel_names(*pyramid.ome), ", ")));
}

void warn_of_unread_images(const TiffFile& file, TiffPyramid& pyramid) {
  if (pyramid.ome && (pyramid.ome->size_z > 1 || pyramid.ome->size_times > 1)) {
    pyramid.warnings.push_back(
        fmt::format("it holds {} focal planes and {} times; the first is read", pyramid.ome->size_z,
                    pyramid.ome->size_times));
    return;
  }
  if (const int64_t planes = count_aperio_planes(file, pyramid.main); planes > 1) {
    pyramid.warnings.push_back(fmt::format(
        "it holds {} focal planes; the first, which is the default one, is read", planes));
    return;
  }
  if (is_aperio(file.main.front())) return;  // It marks neither levels nor other pictures.
  const auto whole_images = std::count_if(file.main.begin(), file.main.end(),
                                          [](const TiffDirectory& d) { return !is_reduced(d); });
  const auto unread = whole_images - static_cast<int64_t>(pyramid.levels.front().planes.size());
  if (unread > 0) {
    pyramid.warnings.push_back(
        fmt::format("it holds {} further images; the largest is read", unread));
  }
}

void require_decodable(const std::filesystem::path& path, const TiffDirectory& directory) {
  const std::string obstacle = decoding_obstacle(directory);
  if (!obstacle.empty()) {
    throw DataError(fmt::format("{} cannot be read: {}", path.string(), obstacle));
  }
}

std::vector<ScaleClaim> scale_claims(const TiffPyramid& pyramid) {
  const TiffDirectory& first = pyramid.levels.front().first();
  std::vector<ScaleClaim> claims = described_scales(first);
  const auto guess = std::find_if(claims.begin(), claims.end(), [](const ScaleClaim& claim) {
    return claim.source == "objective-assumed";
  });
  const std::vector<ScaleClaim> guesses(guess, claims.end());
  claims.erase(guess, claims.end());
  if (pyramid.ome) {
    claims.push_back({"ome", pyramid.ome->mpp_x, pyramid.ome->mpp_y, pyramid.ome->unknown_unit});
  }
  const ScaleClaim tags =
      resolution_claim(first.x_resolution, first.y_resolution, first.resolution_unit);
  // As in Bio-Formats, a unit that the tags name outweighs ImageJ's own, which may be an older one.
  const bool tags_first = is_imagej(first) && (tags.mpp_x || tags.mpp_y);
  claims.insert(tags_first ? claims.begin() : claims.end(), tags);
  claims.insert(claims.end(), guesses.begin(), guesses.end());
  if (pyramid.ome) claims.push_back(objective_claim(pyramid.ome->objective_power));
  return claims;
}

}  // namespace

size_t find_main_image(const TiffFile& file) {
  return find_main_image(file, parse_ome(file.main.front().description, file.name));
}

TiffPyramid choose_pyramid(const std::filesystem::path& path, const TiffFile& file) {
  const std::vector<OmeImage> images = parse_ome(file.main.front().description, file.name);
  TiffPyramid pyramid;
  pyramid.main = find_main_image(file, images);
  pyramid.has_ome = !images.empty();
  note_companion(path, file, pyramid);
  if (const OmeImage* image = image_of(images, file, pyramid.main)) pyramid.ome = *image;
  const std::vector<size_t> planes = plane_indices(path, file, pyramid.main, pyramid.ome);
  pyramid.main = planes.front();
  pyramid.levels.emplace_back();
  for (const size_t plane : planes) {
    require_decodable(path, file.main[plane]);
    pyramid.levels.front().planes.push_back(file.main[plane]);
  }
  if (!file.main[pyramid.main].reduced.empty()) {
    add_sub_levels(file, planes, pyramid);
  } else if (planes.size() == 1) {
    add_chain_levels(file, images, pyramid);
  }
  sort_largest_first(pyramid.levels);
  scale(pyramid.levels);
  warn_of_dyes(pyramid);
  warn_of_unread_images(file, pyramid);
  return pyramid;
}

void describe_pyramid(const TiffPyramid& pyramid, SlideInfo& info) {
  info.levels.clear();
  for (const TiffLevel& level : pyramid.levels) {
    info.levels.push_back({level.extent(), level.scaled.downsample, level.first().tile});
  }
  ScaleChoice scale = choose_scale(scale_claims(pyramid));
  info.mpp_x = scale.claim.mpp_x;
  info.mpp_y = scale.claim.mpp_y;
  info.mpp_source = scale.claim.source;
  info.has_icc = pyramid.levels.front().first().has_icc;
  info.warnings = pyramid.warnings;
  info.warnings.insert(info.warnings.end(), scale.warnings.begin(), scale.warnings.end());
}

}  // namespace untiled
