// What a DICOM file says of its pixels, read without OpenSlide, which believes it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/pixel_source.h"

namespace untiled {

/// Elements of a file in explicit little-endian encoding, as all with compressed pixels are.
struct DicomFacts {
  std::string transfer_syntax;
  std::string image_type;   ///< Values between backslashes: a slide's level says VOLUME.
  std::string photometric;  ///< PhotometricInterpretation.
  std::string series;       ///< SeriesInstanceUID.
  Bytes frame;              ///< The first frame's stream, where pixels are compressed.
};

/// Nothing where the file is encoded otherwise or ends early. Throws DataError when it cannot be
/// read.
std::optional<DicomFacts> read_dicom_facts(const std::filesystem::path& path);

/// What OpenSlide's RGB of a DICOM slide is.
enum class DicomColors { kRgb, kYCbCr };

/// By the streams of the levels of the slide at `path`, those of its series among `files`: JPEG's
/// markers and JPEG 2000's transform outweigh PhotometricInterpretation, by which OpenSlide
/// decodes. Throws DataError naming a file whose colours OpenSlide loses, and where levels differ.
DicomColors dicom_colors(const std::filesystem::path& path,
                         const std::vector<std::filesystem::path>& files);

}  // namespace untiled
