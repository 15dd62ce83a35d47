// Whether two paths, or two rows, are of one slide.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>

#include "data/cohort/cohort.h"

namespace untiled {

/// Equal for all paths of one slide: of a file and of the links to it, and of a DICOM slide's
/// files. Of a path where nothing is, the path.
std::string slide_identity(const std::filesystem::path& path);

/// The SeriesInstanceUID and the folder of a DICOM file, which the files of its slide share; empty
/// of all else.
std::string dicom_identity(const std::filesystem::path& path);

/// The absolute path and the region's rows and columns.
using EntryKey = std::tuple<std::filesystem::path, int64_t, int64_t, int64_t, int64_t>;

/// Equal for entries of one path and one region, whatever the path's spelling. Looks at no file.
EntryKey key_of(const CohortEntry& entry);

}  // namespace untiled
