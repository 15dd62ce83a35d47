// Whether two paths are of one slide.
#pragma once

#include <filesystem>
#include <string>

namespace untiled {

/// Equal for all paths of one slide: of a file and of the links to it, and of a DICOM slide's
/// files. Of a path where nothing is, the path.
std::string slide_identity(const std::filesystem::path& path);

/// The SeriesInstanceUID and the folder of a DICOM file, which the files of its slide share; empty
/// of all else.
std::string dicom_identity(const std::filesystem::path& path);

}  // namespace untiled
