#include "data/cohort/slide_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <system_error>

#include "data/cohort/glob.h"
#include "data/cohort/manifest.h"
#include "data/cohort/slide_identity.h"
#include "data/slide/unread_format.h"
#include "lib/core/error.h"
#include "lib/core/lower_case.h"
#include "lib/core/output_format.h"
#include "lib/core/progress.h"
#include "lib/core/without_slash.h"
#include "lib/zarr/array_reader.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 20> kEndings = {
    ".svs", ".tif", ".tiff",    ".ndpi", ".mrxs", ".scn",  ".bif", ".vms",    ".vmu", ".dcm",
    ".czi", ".btf", ".svslide", ".png",  ".jpg",  ".jpeg", ".jp2", ".qptiff", ".tf8", ".zarr"};

bool is_folder(const fs::path& path) {
  std::error_code none;
  return fs::is_directory(path, none);
}

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(it->path());
  }
  if (error) {
    throw ConfigError(
        fmt::format("{}: the folder cannot be listed: {}", folder.string(), error.message()));
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

/// DICOM files have "DICM" after a preamble of 128 bytes.
bool is_dicom(const fs::path& path) {
  constexpr std::streamoff kPreamble = 128;
  std::error_code none;
  if (!fs::is_regular_file(path, none)) return false;
  std::array<char, 4> magic{};
  std::ifstream file(path, std::ios::binary);
  file.seekg(kPreamble);
  file.read(magic.data(), magic.size());
  return file.good() && std::memcmp(magic.data(), "DICM", magic.size()) == 0;
}

bool holds_dicom(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (is_dicom(it->path())) return true;
  }
  return false;
}

/// Whether a folder holds slides that are no DICOM files.
bool holds_other(const fs::path& folder) {
  const auto entries = sorted_entries(folder);
  return std::any_of(entries.begin(), entries.end(), [](const fs::path& path) {
    return is_slide_name(path.filename().string()) && !is_dicom(path);
  });
}

/// By its name, or by what is in it. A link to nothing may look so too.
bool looks_like_slide(const fs::path& path) {
  return is_slide_name(path.filename().string()) || is_zarr_folder(path) ||
         (is_folder(path) && holds_dicom(path));
}

/// Whether a run wrote this file or folder for a slide that is in the same folder.
bool is_output(const fs::path& path) {
  const std::string name = path.filename().string();
  const auto& endings = all_output_endings();
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) {
    if (!name.ends_with(ending) || name.size() == ending.size()) return false;
    const fs::path slide = path.parent_path() / name.substr(0, name.size() - ending.size());
    std::error_code none;
    return fs::exists(slide, none) && looks_like_slide(slide);
  });
}

bool is_slide_entry(const fs::path& path) {
  return !path.filename().string().starts_with('.') && !is_output(path) && looks_like_slide(path);
}

/// "3 slides of formats that are not read (Olympus, Philips)"; empty where there are none.
std::string unread_slides(const std::vector<fs::path>& entries) {
  std::set<std::string> makers;
  size_t count = 0;
  for (const fs::path& path : entries) {
    const auto maker = unread_format(path);
    if (!maker || path.filename().string().starts_with('.')) continue;
    makers.insert(*maker);
    ++count;
  }
  if (count == 0) return "";
  return fmt::format("{} slide{} of formats that are not read ({})", count, count == 1 ? "" : "s",
                     fmt::join(makers, ", "));
}

std::vector<fs::path> slides_in(const fs::path& folder) {
  const std::vector<fs::path> entries = sorted_entries(folder);
  std::vector<fs::path> slides;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(slides), is_slide_entry);
  const std::string unread = unread_slides(entries);
  if (slides.empty()) {
    throw ConfigError(fmt::format(
        "{}: the folder holds no slides (files such as .svs, .tif, .ndpi or .png){}; for those of "
        "its subfolders give '{}'",
        folder.string(), unread.empty() ? "" : ", but " + unread,
        (folder / "**" / "*.svs").string()));
  }
  if (!unread.empty()) {
    note(fmt::format("{}: left out {}; export them as OME-TIFF", folder.string(), unread));
  }
  return slides;
}

std::vector<fs::path> slides_of_glob(const std::string& glob) {
  std::vector<fs::path> slides = expand({glob});
  std::error_code none;
  if (slides.size() == 1 && slides.front() == glob) return slides;  // A file, there or not.
  std::erase_if(slides, is_output);
  return slides;
}

std::vector<CohortEntry> entries_of(const std::string& given) {
  const std::string input = without_slash(given).string();
  if (lower_case(input).ends_with(".csv")) return read_manifest(input, MissingSlides::kKeep);
  const bool is_slide = is_slide_name(input) || !is_folder(input) || is_zarr_folder(input) ||
                        (holds_dicom(input) && !holds_other(input));
  std::vector<CohortEntry> entries;
  for (const fs::path& path : is_slide ? slides_of_glob(input) : slides_in(input)) {
    entries.emplace_back().path = path;
  }
  return entries;
}

}  // namespace

bool is_slide_name(std::string_view file_name) {
  const std::string name = lower_case(std::string(file_name));
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) {
    return name.ends_with(ending) && name.size() > ending.size();
  });
}

void leave_out_other_files(std::vector<CohortEntry>& entries) {
  std::map<std::string, fs::path> first;
  std::erase_if(entries, [&](const CohortEntry& entry) {
    const std::string slide = entry.region ? "" : dicom_identity(entry.path);
    if (slide.empty()) return false;
    const auto [before, is_new] = first.emplace(slide, entry.path);
    if (is_new || before->second == entry.path) return false;
    note(fmt::format("{}: left out, for it is a file of the same DICOM slide as {}",
                     entry.path.string(), before->second.filename().string()));
    return true;
  });
}

std::vector<CohortEntry> list_slides(const std::vector<std::string>& inputs) {
  std::vector<CohortEntry> slides;
  std::set<EntryKey> seen;
  for (const std::string& input : inputs) {
    for (CohortEntry& entry : entries_of(input)) {
      if (seen.insert(key_of(entry)).second) slides.push_back(std::move(entry));
    }
  }
  leave_out_other_files(slides);
  return slides;
}

}  // namespace untiled
