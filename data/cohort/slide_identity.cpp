#include "data/cohort/slide_identity.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "data/slide/dicom_file.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

/// The device, the number there and the size of what a path leads to; the path where it leads
/// nowhere.
std::string place_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fs::absolute(path).lexically_normal().string();
  return fmt::format("{}:{}:{}", status.st_dev, status.st_ino, status.st_size);
}

}  // namespace

std::string dicom_identity(const fs::path& path) {
  try {
    const std::string series = dicom_series(path);
    const fs::path folder = fs::absolute(path).lexically_normal().parent_path();
    return series.empty() ? "" : fmt::format("{} {}", place_of(folder), series);
  } catch (const DataError&) {
    return "";  // A file that cannot be read is refused when it is opened.
  }
}

std::string slide_identity(const fs::path& path) {
  const std::string dicom = dicom_identity(path);
  return dicom.empty() ? place_of(path) : dicom;
}

EntryKey key_of(const CohortEntry& entry) {
  const Region region = entry.region.value_or(Region{});
  return {fs::absolute(entry.path).lexically_normal(), region.rows.begin, region.rows.end,
          region.cols.begin, region.cols.end};
}

}  // namespace untiled
