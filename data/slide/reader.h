// Slides as readers see them: levels, scale, frame, and pixels by region. The backend is chosen by
// what the file holds, never by its name.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"
#include "lib/core/stored_tile.h"

namespace untiled {

using Rgb = std::array<uint8_t, 3>;
inline constexpr Rgb kWhite = {255, 255, 255};

/// One resolution of a slide. `downsample` is level-0 pixels per pixel of this level.
struct LevelInfo {
  Extent extent;
  double downsample = 1.0;
  Extent tile = {};  ///< Of the file, where regions of whole tiles are read fastest; else empty.
};

/// Something that the file says. Private ones can identify a patient: never copied to an output.
struct Property {
  std::string key;
  std::string value;
  bool is_private = false;
};

/// The facts of a slide, fixed when it is opened.
struct SlideInfo {
  std::filesystem::path path;
  std::string backend;  ///< Who decodes its pixels: "openslide", "tiff", "zarr" or "image".
  std::string vendor;   ///< OpenSlide's name of the format, else "ome-tiff", "ome-zarr", "png"...
  std::vector<LevelInfo> levels;    ///< Largest first.
  std::optional<double> mpp_x;      ///< Micrometres per level-0 column; absent when not believable.
  std::optional<double> mpp_y;      ///< Micrometres per level-0 row.
  std::string mpp_source = "none";  ///< See scale.h.
  std::optional<double> objective_power;
  std::optional<Region> bounds;  ///< The part that holds tissue, in level 0 (openslide.bounds-*).
  Rgb background = kWhite;       ///< Colour of pixels without data.
  bool has_icc = false;          ///< A colour profile is there; it is not applied.
  std::vector<std::string> associated_images;
  std::vector<std::string> warnings;
  std::vector<Property> properties;
  std::string quickhash;                     ///< OpenSlide's; may be empty.
  std::vector<std::filesystem::path> files;  ///< All its files, sorted, or its folder.
  int64_t held_bytes = 0;  ///< Most bytes that the open slide keeps in memory between reads.
};

/// Pixels of a slide by level and region. All methods may be called from any thread.
class SlideReader {
 public:
  virtual ~SlideReader() = default;
  SlideReader(const SlideReader&) = delete;
  SlideReader& operator=(const SlideReader&) = delete;

  const SlideInfo& info() const { return info_; }

  /// RGB, 3 channels. `region` is in pixels of `level` and must lie inside it. Pixels without data
  /// get the background colour and are marked in `missing`. A pixel's value never depends on the
  /// region asked for. Throws DataError naming the file, the level and the region.
  PixelBlock read(int level, const Region& region) const;
  /// The same into a target that holds `region`.
  void read_into(int level, const Region& region, const PixelTarget& target) const;
  /// The file's own tile that holds a region of a level, as the file has it; kOther where it has no
  /// tiles, or the region lies in several. Throws DataError.
  StoredTile stored_tile(int level, const Region& region) const;

 protected:
  explicit SlideReader(SlideInfo info) : info_(std::move(info)) {}

 private:
  /// `level` exists and `region` is not empty and lies inside it.
  virtual PixelBlock read_pixels(int level, const Region& region) const = 0;
  virtual void read_pixels_into(int level, const Region& region, const PixelTarget& target) const {
    copy_overlap(read_pixels(level, region), target);
  }
  virtual StoredTile find_stored_tile(int /*level*/, const Region& /*region*/) const { return {}; }
  void require_inside(int level, const Region& region) const;

  SlideInfo info_;
};

enum class Backend { kAuto, kOpenSlide, kTiff };

struct OpenOptions {
  Backend backend = Backend::kAuto;          ///< Another one than the best for the file.
  int64_t cache_bytes = 64 << 20;            ///< Decoded tiles that an open slide may keep.
  int64_t max_image_pixels = 2'000'000'000;  ///< Largest image, or strip, that is decoded whole.
};

/// Opens a slide: with OpenSlide if it can, else as a TIFF, a PNG or a JPEG image; a folder is
/// opened if it is OME-Zarr or holds one DICOM slide. Throws DataError when `backend` cannot decode
/// it, and with one sentence that names the file, what was found in it and what to do.
std::shared_ptr<const SlideReader> open_slide(const std::filesystem::path& path,
                                              const OpenOptions& options = {});

}  // namespace untiled
