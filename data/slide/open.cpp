#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <system_error>

#include "data/slide/dicom_file.h"
#include "data/slide/file_kind.h"
#include "data/slide/image_reader.h"
#include "data/slide/openslide_advice.h"
#include "data/slide/openslide_reader.h"
#include "data/slide/reader.h"
#include "data/slide/tiff_reader.h"
#include "data/slide/unread_format.h"
#include "data/slide/zarr_reader.h"
#include "lib/core/error.h"
#include "lib/zarr/array_reader.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;
using ReaderPtr = std::shared_ptr<const SlideReader>;

/// Slides that would have to decode more than this at once are not probed when they are opened.
constexpr int64_t kMaxProbeBytes = int64_t{64} << 20;

/// TIFFs whose pixels are plain tiles, which libjpeg and libtiff decode faster than OpenSlide and
/// without its fractional shifts. Other TIFFs have overlaps or private meanings.
bool has_plain_tiles(const std::string& vendor) {
  return vendor == "aperio" || vendor == "generic-tiff";
}

void require_rgb_levels(const fs::path& path, const TiffFile& file) {
  for (const TiffDirectory& directory : file.main) {
    if (directory.tiled) require_rgb_samples(path, directory);
  }
}

/// The slide of a TIFF with plain tiles, of which OpenSlide has given its facts; nothing where
/// OpenSlide has to decode it. OpenSlide takes the first image for the slide and does not see all
/// levels and channels. Throws DataError for samples that OpenSlide would squash to 8-bit RGB
/// without a word, and for an image that is not OpenSlide's and cannot be decoded here.
std::optional<TiffPyramid> plain_pyramid(const SlideInfo& info, const TiffFile& file) {
  const TiffDirectory& main = file.main[find_main_image(file)];
  require_rgb_samples(info.path, main);
  const bool is_openslides = main.extent == info.levels.front().extent && main.orientation == 1;
  const bool has_palette = !main.palette.empty();  // OpenSlide's levels may each have their own.
  if (is_openslides && (has_palette || !decoding_obstacle(main).empty())) {
    require_rgb_levels(info.path, file);
    return std::nullopt;
  }
  TiffPyramid pyramid = choose_pyramid(info.path, file);
  const bool is_filled_by_openslide =
      info.vendor == "aperio" &&
      std::any_of(pyramid.levels.begin(), pyramid.levels.end(),
                  [](const TiffLevel& level) { return level.first().has_missing_blocks(); });
  if (is_openslides && is_filled_by_openslide) return std::nullopt;
  return pyramid;
}

/// Aperio's own words of the scale stand in its first image.
void describe_plain(const TiffPyramid& pyramid, SlideInfo& info) {
  const SlideInfo told = info;
  describe_pyramid(pyramid, info);
  if (info.vendor == "aperio" && pyramid.main == 0) {
    info.mpp_x = told.mpp_x;
    info.mpp_y = told.mpp_y;
    info.mpp_source = told.mpp_source;
    info.warnings = told.warnings;
    info.warnings.insert(info.warnings.end(), pyramid.warnings.begin(), pyramid.warnings.end());
  }
  const bool same_image = info.levels.front().extent == told.levels.front().extent;
  if (!same_image) info.bounds.reset();
}

ReaderPtr open_with_openslide(const fs::path& path, std::shared_ptr<const OpenSlideHandle> handle,
                              const OpenOptions& options) {
  SlideInfo info = describe_openslide(path, *handle);
  if (has_plain_tiles(info.vendor) && options.backend != Backend::kOpenSlide) {
    if (auto pyramid = plain_pyramid(info, read_tiff_file(path))) {
      describe_plain(*pyramid, info);
      return make_tiff_reader(std::move(info), std::move(pyramid->levels), options);
    }
  }
  return make_openslide_reader(std::move(info), std::move(handle), options);
}

/// Whether the tiled images of an Aperio slide grow again from one to the next, as with several
/// focal planes: OpenSlide refuses such slides, after its library has written to the console.
bool has_levels_out_of_order(const fs::path& path) {
  const TiffFile file = read_tiff_file(path);
  int64_t before = std::numeric_limits<int64_t>::max();
  for (const TiffDirectory& directory : file.main) {
    if (!directory.tiled) continue;
    if (directory.extent.cols > before) return true;
    before = directory.extent.cols;
  }
  return false;
}

std::vector<fs::path> dicom_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code none;
    if (it->is_regular_file(none) && file_kind(it->path()) == FileKind::kDicom) {
      files.push_back(it->path());
    }
  }
  if (error) {
    throw DataError(
        fmt::format("{} is a folder that cannot be listed: {}", folder.string(), error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The folder that a file is in.
fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// OpenSlide's own words for a file that it knows and cannot open; plain TIFFs get a second try.
ReaderPtr open_known(const fs::path& path, const std::string& vendor, const OpenOptions& options) {
  if (vendor == "aperio" && has_levels_out_of_order(path)) return open_tiff_slide(path, options);
  if (vendor == "dicom") require_sound_series(path, dicom_files(folder_of(path)));
  std::shared_ptr<const OpenSlideHandle> handle;
  try {
    handle = std::make_shared<const OpenSlideHandle>(path, options.cache_bytes);
  } catch (const DataError& error) {
    if (vendor == "generic-tiff") return open_tiff_slide(path, options);
    throw DataError(
        fmt::format("{} looks like a slide of format {} but OpenSlide cannot open it ({}): {}",
                    path.string(), vendor, error.what(),
                    advice_for(error.what())
                        .value_or("copy it again with all its files, or export it as a tiled "
                                  "TIFF")));
  }
  return open_with_openslide(path, std::move(handle), options);
}

ReaderPtr open_unknown(const fs::path& path, const OpenOptions& options) {
  switch (file_kind(path)) {
    case FileKind::kTiff:
      return open_tiff_slide(path, options);
    case FileKind::kPng:
      return open_png_slide(path, options);
    case FileKind::kJpeg:
      return open_jpeg_slide(path, options);
    case FileKind::kDicom:
      throw DataError(fmt::format(
          "{} is a DICOM file that OpenSlide {} does not open: give a whole-slide image, and use "
          "OpenSlide 4 or newer",
          path.string(), openslide_version()));
    case FileKind::kOther:
      break;
  }
  throw DataError(fmt::format(
      "{} is no slide: it holds {}; give a file that OpenSlide opens, or a TIFF, PNG or JPEG image",
      path.string(), describe_content(path)));
}

/// A file whose centre cannot be decoded is refused now rather than in the middle of a run.
ReaderPtr probed(ReaderPtr reader, const OpenOptions& options) {
  const Extent& extent = reader->info().levels.front().extent;
  const bool cheap = reader->info().backend != "image" &&
                     reader->info().held_bytes <= options.cache_bytes + kMaxProbeBytes;
  if (cheap) {
    const int64_t row = extent.rows / 2;
    const int64_t col = extent.cols / 2;
    reader->read(0, {{row, row + 1}, {col, col + 1}});
  }
  return reader;
}

void require_backend(const SlideReader& reader, Backend backend) {
  if (backend == Backend::kAuto) return;
  const char* wanted = backend == Backend::kTiff ? "tiff" : "openslide";
  if (reader.info().backend == wanted) return;
  throw DataError(fmt::format("{} cannot be decoded by the backend {}: {} decodes it; use auto",
                              reader.info().path.string(), wanted, reader.info().backend));
}

ReaderPtr open_file(const fs::path& path, const OpenOptions& options) {
  require_readable_file(path);
  if (file_kind(path) == FileKind::kTiff) require_whole_tiff_header(path);
  const auto vendor = openslide_vendor(path);
  if (vendor.value_or("generic-tiff") == "generic-tiff") require_slide_itself(path);
  ReaderPtr reader = vendor ? open_known(path, *vendor, options) : open_unknown(path, options);
  require_backend(*reader, options.backend);
  return probed(std::move(reader), options);
}

void require_one_series(const fs::path& folder, const std::vector<fs::path>& slides) {
  std::vector<std::string> series;
  for (const fs::path& slide : slides) series.push_back(dicom_series(slide));
  const bool any_said = std::any_of(series.begin(), series.end(),
                                    [](const std::string& name) { return !name.empty(); });
  for (size_t i = 0; i < slides.size(); ++i) {
    if (series[i].empty() && any_said) {
      throw DataError(fmt::format(
          "{} is damaged or cut short: it does not say which series it belongs to; copy it again, "
          "or take it out of the folder",
          slides[i].string()));
    }
    if (series[i] == series.front()) continue;
    throw DataError(fmt::format(
        "{} holds several DICOM slides, such as those of {} and {}: give one of the "
        "files, or a folder for each slide",
        folder.string(), slides.front().filename().string(), slides[i].filename().string()));
  }
}

/// A Zarr slide is a folder; a DICOM slide is a folder of files, any of which opens it.
ReaderPtr open_folder(const fs::path& folder, const OpenOptions& options) {
  if (is_zarr_folder(folder)) {
    ReaderPtr reader = open_zarr_slide(folder, options);
    require_backend(*reader, options.backend);
    return probed(std::move(reader), options);
  }
  if (folder.extension() == ".zarr") {
    throw DataError(fmt::format(
        "{} is no whole Zarr folder: neither zarr.json nor .zattrs is there; copy all of it, with "
        "the files whose names begin with a dot",
        folder.string()));
  }
  const std::vector<fs::path> files = dicom_files(folder);
  std::vector<fs::path> slides;
  std::copy_if(files.begin(), files.end(), std::back_inserter(slides),
               [](const fs::path& file) { return openslide_vendor(file).has_value(); });
  if (!slides.empty()) {
    require_one_series(folder, slides);
    return open_file(slides.front(), options);
  }
  throw DataError(fmt::format(
      "{} is a folder{}: give a slide's file, or a glob such as {}", folder.string(),
      files.empty()
          ? " without DICOM files and without zarr.json or .zattrs"
          : fmt::format(" of DICOM files that OpenSlide {} does not open", openslide_version()),
      (folder / "*.svs").string()));
}

}  // namespace

std::shared_ptr<const SlideReader> open_slide(const std::filesystem::path& path,
                                              const OpenOptions& options) {
  std::error_code error;
  if (fs::is_directory(path, error)) return open_folder(path, options);
  return open_file(path, options);
}

}  // namespace untiled
