// What a DICOM file says of its pixels, read without OpenSlide, which believes it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

/// Elements of a file in explicit little-endian encoding, as all with compressed pixels are.
/// Numbers are -1 where the file says none.
struct DicomFacts {
  std::string transfer_syntax;
  std::string image_type;        ///< Values between backslashes: a slide's level says VOLUME.
  std::string photometric;       ///< PhotometricInterpretation.
  std::string series;            ///< SeriesInstanceUID.
  std::string organization;      ///< DimensionOrganizationType.
  bool is_concatenated = false;  ///< The file holds some of a level's frames.
  int64_t frames = -1;           ///< INT64_MAX: what is said is no such number.
  int64_t samples = -1;          ///< Of a pixel.
  Extent frame_extent = {-1, -1};
  Extent total = {-1, -1};  ///< The level's.
  int64_t optical_paths = -1;
  int64_t focal_planes = -1;
  int64_t placed_frames = -1;  ///< Frames whose column is said; -1: no list, or one passed over.
  bool has_pixels = false;     ///< Their element was found: the file does not end before.
  Bytes frame;                 ///< The first frame's stream, where pixels are compressed.
};

/// Nothing where the file is encoded otherwise or ends before its pixels. Throws DataError when it
/// cannot be read.
std::optional<DicomFacts> read_dicom_facts(const std::filesystem::path& path);

/// The SeriesInstanceUID of a DICOM file: the files of one slide share it. Empty where it is not
/// found.
std::string dicom_series(const std::filesystem::path& path);

/// Throws DataError naming a file of the series of the slide at `path`, among the DICOM files
/// `files`, whose claims OpenSlide takes on trust and does not hold: frames that the file cannot
/// have, that do not fill their level, or whose places are not said.
void require_sound_series(const std::filesystem::path& path,
                          const std::vector<std::filesystem::path>& files);

/// What OpenSlide leaves out of the slide at `path`, for its user.
std::vector<std::string> dicom_warnings(const std::filesystem::path& path,
                                        const std::vector<std::filesystem::path>& files);

/// What OpenSlide's RGB of a DICOM slide is.
enum class DicomColors { kRgb, kYCbCr };

/// By the streams of the levels of the slide at `path`, those of its series among `files`: JPEG's
/// markers and JPEG 2000's transform outweigh PhotometricInterpretation, by which OpenSlide
/// decodes. Throws DataError naming a file whose colours OpenSlide loses, and where levels differ.
DicomColors dicom_colors(const std::filesystem::path& path,
                         const std::vector<std::filesystem::path>& files);

}  // namespace untiled
