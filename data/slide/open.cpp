#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <system_error>

#include "data/slide/file_kind.h"
#include "data/slide/image_reader.h"
#include "data/slide/openslide_reader.h"
#include "data/slide/reader.h"
#include "data/slide/tiff_reader.h"
#include "lib/core/error.h"

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

void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

/// A generic TIFF's own pyramid, which has levels and channels that OpenSlide does not see; for
/// others the images that OpenSlide calls levels. Nothing where OpenSlide has to decode. Throws
/// DataError for samples that OpenSlide would squash to 8-bit RGB without a word.
std::optional<TiffPyramid> plain_pyramid(const SlideInfo& info, const TiffFile& file) {
  for (const TiffDirectory& directory : file.main) {
    if (directory.tiled) require_rgb_samples(info.path, directory);
  }
  if (info.vendor == "generic-tiff" && decoding_obstacle(file.main.front()).empty()) {
    TiffPyramid pyramid = choose_pyramid(info.path, file);
    const bool same_image = pyramid.levels.front().extent() == info.levels.front().extent;
    if (same_image && pyramid.levels.size() >= info.levels.size()) return pyramid;
  }
  auto levels = match_levels(file, info.levels);
  if (!levels) return std::nullopt;
  return TiffPyramid{std::move(*levels), {}, {}};
}

ReaderPtr open_with_openslide(const fs::path& path, std::shared_ptr<const OpenSlideHandle> handle,
                              const OpenOptions& options) {
  SlideInfo info = describe_openslide(path, *handle);
  if (has_plain_tiles(info.vendor) && options.backend != Backend::kOpenSlide) {
    if (auto pyramid = plain_pyramid(info, read_tiff_file(path))) {
      info.levels = level_infos(pyramid->levels);
      append(info.warnings, pyramid->warnings);
      return make_tiff_reader(std::move(info), std::move(pyramid->levels), options);
    }
  }
  return make_openslide_reader(std::move(info), std::move(handle), options);
}

/// OpenSlide's own words for a file that it knows and cannot open; a generic TIFF gets a second
/// try.
ReaderPtr open_known(const fs::path& path, const std::string& vendor, const OpenOptions& options) {
  std::shared_ptr<const OpenSlideHandle> handle;
  try {
    handle = std::make_shared<const OpenSlideHandle>(path, options.cache_bytes);
  } catch (const DataError& error) {
    if (vendor == "generic-tiff") return open_tiff_slide(path, options);
    throw DataError(
        fmt::format("{} looks like a slide of format {} but OpenSlide cannot open it ({}): copy it "
                    "again with all its files",
                    path.string(), vendor, error.what()));
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
  ReaderPtr reader = vendor ? open_known(path, *vendor, options) : open_unknown(path, options);
  require_backend(*reader, options.backend);
  return probed(std::move(reader), options);
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

void require_one_series(const fs::path& folder, const std::vector<fs::path>& slides) {
  for (const fs::path& slide : slides) {
    if (dicom_series(slide) == dicom_series(slides.front())) continue;
    throw DataError(fmt::format(
        "{} holds several DICOM slides, such as those of {} and {}: give one of the "
        "files, or a folder for each slide",
        folder.string(), slides.front().filename().string(), slide.filename().string()));
  }
}

/// A DICOM slide is a folder of files, any of which opens it.
ReaderPtr open_folder(const fs::path& folder, const OpenOptions& options) {
  const std::vector<fs::path> files = dicom_files(folder);
  std::vector<fs::path> slides;
  std::copy_if(files.begin(), files.end(), std::back_inserter(slides),
               [](const fs::path& file) { return openslide_vendor(file).has_value(); });
  if (!slides.empty()) {
    require_one_series(folder, slides);
    return open_file(slides.front(), options);
  }
  throw DataError(fmt::format(
      "{} is a folder{}: give a slide's file, or a glob such as {}/*.svs", folder.string(),
      files.empty()
          ? " without DICOM files"
          : fmt::format(" of DICOM files that OpenSlide {} does not open", openslide_version()),
      folder.string()));
}

}  // namespace

std::shared_ptr<const SlideReader> open_slide(const std::filesystem::path& path,
                                              const OpenOptions& options) {
  std::error_code error;
  if (fs::is_directory(path, error)) return open_folder(path, options);
  return open_file(path, options);
}

}  // namespace untiled
