#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "data/slide/file_kind.h"
#include "data/slide/image_description.h"
#include "data/slide/number.h"
#include "data/slide/ome.h"
#include "data/slide/openslide_reader.h"
#include "data/slide/privacy.h"
#include "data/slide/scale.h"
#include "data/slide/side_limit.h"
#include "data/slide/tiff_directory.h"
#include "lib/core/error.h"
#include "lib/core/number.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

template <typename T>
std::optional<T> number(const std::optional<std::string>& text) {
  return spelled_number<T>(text);
}

/// All four bounds or none, as QuPath does.
std::optional<Region> read_bounds(const OpenSlideHandle& handle) {
  const auto bound = [&](const char* name) { return number<int64_t>(handle.property(name)); };
  const auto x = bound(OPENSLIDE_PROPERTY_NAME_BOUNDS_X);
  const auto y = bound(OPENSLIDE_PROPERTY_NAME_BOUNDS_Y);
  const auto width = bound(OPENSLIDE_PROPERTY_NAME_BOUNDS_WIDTH);
  const auto height = bound(OPENSLIDE_PROPERTY_NAME_BOUNDS_HEIGHT);
  if (!x || !y || !width || !height) return std::nullopt;
  const Region bounds = clip(Region{{*y, *y + *height}, {*x, *x + *width}}, handle.level_extent(0));
  if (bounds.empty()) return std::nullopt;
  return bounds;
}

/// "RRGGBB", white when absent or malformed.
Rgb read_background(const OpenSlideHandle& handle) {
  const auto text = handle.property(OPENSLIDE_PROPERTY_NAME_BACKGROUND_COLOR);
  if (!text || text->size() != 6) return kWhite;
  const auto value = parse_hex(*text);
  if (!value) return kWhite;
  return {static_cast<uint8_t>(*value >> 16), static_cast<uint8_t>(*value >> 8 & 0xFF),
          static_cast<uint8_t>(*value & 0xFF)};
}

/// OpenSlide says unknown of a unit that libtiff does not know.
int resolution_unit(const fs::path& path, const OpenSlideHandle& handle) {
  const std::string unit = handle.property("tiff.ResolutionUnit").value_or("none");
  if (unit == "unknown") return read_tiff_file(path).main.front().resolution_unit;
  return unit == "inch" ? 2 : unit == "centimeter" ? 3 : 1;
}

ScaleClaim resolution_of(const fs::path& path, const OpenSlideHandle& handle) {
  return resolution_claim(number<double>(handle.property("tiff.XResolution")).value_or(0),
                          number<double>(handle.property("tiff.YResolution")).value_or(0),
                          resolution_unit(path, handle));
}

/// What OpenSlide calls the mpp of a generic TIFF is the TIFF's resolution, not a vendor's word.
std::vector<ScaleClaim> scale_claims(const fs::path& path, const OpenSlideHandle& handle,
                                     const std::string& vendor) {
  const ScaleClaim openslide_claim{"vendor",
                                   number<double>(handle.property(OPENSLIDE_PROPERTY_NAME_MPP_X)),
                                   number<double>(handle.property(OPENSLIDE_PROPERTY_NAME_MPP_Y))};
  std::vector<ScaleClaim> claims;
  if (vendor != "generic-tiff") claims.push_back(openslide_claim);
  const std::string comment = handle.property(OPENSLIDE_PROPERTY_NAME_COMMENT).value_or("");
  // A number with its unit is none to OpenSlide, nor is one behind a key in small letters.
  if (vendor == "aperio") claims.push_back(listed_claim(comment, handle.level_extent(0)));
  const auto ome =
      parse_ome(handle.property("tiff.ImageDescription").value_or(""), path.filename().string());
  if (!ome.empty()) {
    claims.push_back({"ome", ome.front().mpp_x, ome.front().mpp_y, ome.front().unknown_unit});
  }
  // Vendors' TIFF resolutions are often a screen's or a thumbnail's: only a generic one counts.
  if (vendor == "generic-tiff") claims.push_back(resolution_of(path, handle));
  claims.push_back(
      objective_claim(number<double>(handle.property(OPENSLIDE_PROPERTY_NAME_OBJECTIVE_POWER))));
  if (vendor == "aperio") {
    const std::string doubt = resizing_doubt(comment, handle.level_extent(0));
    for (ScaleClaim& claim : claims) claim.doubt = doubt;
  }
  return claims;
}

std::vector<Property> read_properties(const OpenSlideHandle& handle) {
  std::vector<Property> properties;
  for (const std::string& name : handle.property_names()) {
    properties.push_back({name, handle.property(name).value_or(""), is_private_property(name)});
  }
  return properties;
}

/// Formats whose levels are the pages of a TIFF, told by their tags alone.
bool has_pages_for_levels(const OpenSlideHandle& handle) {
  constexpr std::array<std::string_view, 4> kVendors = {"aperio", "generic-tiff", "philips",
                                                        "trestle"};
  const auto vendor = handle.property(OPENSLIDE_PROPERTY_NAME_VENDOR).value_or("");
  return std::find(kVendors.begin(), kVendors.end(), vendor) != kVendors.end();
}

StoredLevel stored_level(const OpenSlideHandle& handle, int level) {
  const auto side = [&](const char* name) {
    return number<int64_t>(handle.property(fmt::format("openslide.level[{}].{}", level, name)))
        .value_or(0);
  };
  return {handle.level_extent(level), {side("tile-height"), side("tile-width")}, {}};
}

/// OpenSlide computes the levels of some formats from their scale, which may be 0 or no number.
bool is_possible(const Extent& extent) {
  return extent.rows > 0 && extent.cols > 0 && extent.rows < kMaxSide && extent.cols < kMaxSide;
}

std::vector<fs::path> files_in(const fs::path& folder, auto&& wanted) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code none;
    if (it->is_regular_file(none) && wanted(it->path())) files.push_back(it->path());
  }
  if (error) {
    throw DataError(fmt::format("{}, where the slide's files are, cannot be listed: {}",
                                folder.string(), error.message()));
  }
  return files;
}

/// Files in the slide's folder that a property names, as VMS and VMU slides do.
std::vector<fs::path> named_files(const fs::path& path, const std::vector<Property>& properties) {
  std::set<std::string> values;
  for (const Property& property : properties) values.insert(property.value);
  return files_in(path.parent_path().empty() ? "." : path.parent_path(),
                  [&](const fs::path& file) { return values.contains(file.filename().string()); });
}

std::vector<std::string> focal_plane_warnings(const OpenSlideHandle& handle) {
  const auto layers = number<int>(handle.property("hamamatsu.NoLayers"));
  if (!layers || *layers < 2) return {};
  return {fmt::format("it holds {} focal planes; the default one is read", *layers)};
}

}  // namespace

std::vector<OpenSlideLevel> openslide_levels(const OpenSlideHandle& handle) {
  const bool pages = has_pages_for_levels(handle);
  std::vector<OpenSlideLevel> levels;
  std::vector<StoredLevel> stored;
  for (int level = 0; level < handle.level_count(); ++level) {
    const StoredLevel candidate = stored_level(handle, level);
    if (!is_possible(candidate.extent)) {
      throw DataError(
          fmt::format("OpenSlide gives level {} a size of {}: what the slide says of its scale is "
                      "wrong; export "
                      "it as a tiled TIFF",
                      level, to_string(candidate.extent)));
    }
    if (pages && level > 0 && !has_shape_of(stored.front().extent, candidate)) continue;
    stored.push_back(candidate);
    levels.push_back({level, {}});
  }
  const std::vector<ScaledLevel> scaled = scale_levels(stored);
  for (size_t i = 0; i < levels.size(); ++i) {
    levels[i].info = {scaled[i].extent, scaled[i].downsample};
  }
  return levels;
}

std::vector<fs::path> slide_files(const fs::path& path, const SlideInfo& info) {
  std::vector<fs::path> files;
  const fs::path folder = path.parent_path().empty() ? "." : path.parent_path();
  if (info.vendor == "mirax") {
    files = files_in(folder / path.stem(), [](const fs::path&) { return true; });
  } else if (info.vendor == "dicom") {
    files = files_in(folder, [&](const fs::path& file) {
      return file_kind(file) == FileKind::kDicom && file.filename() != path.filename();
    });
  } else if (info.vendor == "hamamatsu" && file_kind(path) != FileKind::kTiff) {
    files = named_files(path, info.properties);
  }
  files.push_back(path);
  std::sort(files.begin(), files.end());
  return files;
}

SlideInfo describe_openslide(const fs::path& path, const OpenSlideHandle& handle) {
  SlideInfo info;
  info.path = path;
  info.backend = "openslide";
  info.vendor = handle.property(OPENSLIDE_PROPERTY_NAME_VENDOR).value_or("unknown");
  try {
    for (const OpenSlideLevel& level : openslide_levels(handle)) info.levels.push_back(level.info);
  } catch (const DataError& error) {
    throw DataError(fmt::format("{} cannot be read: {}", path.string(), error.what()));
  }
  const ScaleChoice scale = choose_scale(scale_claims(path, handle, info.vendor));
  info.mpp_x = scale.claim.mpp_x;
  info.mpp_y = scale.claim.mpp_y;
  info.mpp_source = scale.claim.source;
  info.objective_power = number<double>(handle.property(OPENSLIDE_PROPERTY_NAME_OBJECTIVE_POWER));
  info.bounds = read_bounds(handle);
  info.background = read_background(handle);
  info.has_icc = handle.has_icc();
  info.associated_images = handle.associated_images();
  info.warnings = focal_plane_warnings(handle);
  info.warnings.insert(info.warnings.end(), scale.warnings.begin(), scale.warnings.end());
  info.properties = read_properties(handle);
  info.quickhash = handle.property(OPENSLIDE_PROPERTY_NAME_QUICKHASH1).value_or("");
  info.files = slide_files(path, info);
  return info;
}

}  // namespace untiled
