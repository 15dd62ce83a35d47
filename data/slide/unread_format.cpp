#include "data/slide/unread_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <system_error>

#include "lib/core/error.h"
#include "lib/core/lower_case.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

struct Format {
  std::string_view ending;
  std::string_view maker;
};

constexpr Format kFormats[] = {
    {".vsi", "Olympus"},      {".ets", "Olympus"},      {".oir", "Olympus"},
    {".isyntax", "Philips"},  {".i2syntax", "Philips"}, {".kfb", "KFBIO"},
    {".kfbf", "KFBIO"},       {".mds", "Motic"},        {".mdsx", "Motic"},
    {".sdpc", "TEKSQRAY"},    {".dyqx", "TEKSQRAY"},    {".tron", "InTelico"},
    {".lif", "Leica"},        {".lof", "Leica"},        {".nd2", "Nikon"},
    {".zvi", "Zeiss"},        {".ims", "Imaris"},       {".afi", "Aperio fluorescence"},
    {".tmap", "Unic"},        {".vmic", "PreciPoint"},  {".ndpis", "Hamamatsu fluorescence"},
    {".eslide", "Hamamatsu"}, {".dzi", "Deep Zoom"},
};

std::string ending_of(const fs::path& path) { return lower_case(path.extension().string()); }

/// Whether the folder that an Olympus slide keeps its pixels in lies beside a file.
bool has_olympus_pixels(const fs::path& path) {
  const fs::path folder = path.parent_path() / fmt::format("_{}_", path.stem().string());
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code none;
    if (fs::exists(it->path() / "frame_t.ets", none)) return true;
  }
  return false;
}

[[noreturn]] void refuse_olympus(const fs::path& path) {
  throw DataError(fmt::format(
      "{} is the overview of an Olympus slide, whose pixels lie in the folder _{}_ and are not "
      "read: export the slide as OME-TIFF (with QuPath, or bfconvert of Bio-Formats)",
      path.string(), path.stem().string()));
}

}  // namespace

std::optional<std::string> unread_format(const fs::path& path) {
  const std::string ending = ending_of(path);
  const auto* const found =
      std::find_if(std::begin(kFormats), std::end(kFormats),
                   [&](const Format& format) { return format.ending == ending; });
  if (found == std::end(kFormats)) return std::nullopt;
  return std::string(found->maker);
}

void require_slide_itself(const fs::path& path) {
  if (ending_of(path) == ".vsi" || has_olympus_pixels(path)) refuse_olympus(path);
  if (ending_of(path) == ".mrxs") {
    throw DataError(fmt::format(
        "{} is the picture of a MIRAX slide whose folder {} is not beside it, or is not complete: "
        "copy both",
        path.string(), path.stem().string()));
  }
  if (const auto maker = unread_format(path)) {
    throw DataError(fmt::format(
        "{} is a slide in a format ({}) that is not read: export it as OME-TIFF or another TIFF",
        path.string(), *maker));
  }
}

}  // namespace untiled
