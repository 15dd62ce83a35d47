#include "app/batch/batch_slide.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "data/slide/file_kind.h"
#include "lib/zarr/array_reader.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

/// Why a file cannot be a slide, before anything is read.
void require_slide_file(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) {
    throw SlideFailure("missing", fmt::format("{}: there is no such file", path.string()));
  }
  if (::access(path.c_str(), R_OK) != 0) {
    throw SlideFailure("no_permission",
                       fmt::format("{}: may not be read by this user", path.string()));
  }
  if (fs::is_regular_file(status) && fs::file_size(path, error) == 0) {
    throw SlideFailure("empty_file", fmt::format("{}: the file is empty", path.string()));
  }
}

/// Of what could not be opened: damaged images are not the same as files that never were any.
const char* reason_code(const fs::path& path) {
  std::error_code none;
  if (is_zarr_folder(path)) return "unreadable";
  if (fs::is_directory(path, none)) return "folder";
  const bool is_image = fs::is_regular_file(path, none) && file_kind(path) != FileKind::kOther;
  return is_image ? "unreadable" : "not_a_slide";
}

/// What an image or strip that is decoded whole takes: its colours and what marks missing pixels.
constexpr int64_t kBytesPerPixel = 4;

}  // namespace

std::shared_ptr<const SlideReader> open_for_batch(const fs::path& path, int64_t memory_budget) {
  require_slide_file(path);
  OpenOptions options;
  options.max_image_pixels = std::min(options.max_image_pixels, memory_budget / kBytesPerPixel);
  try {
    return open_slide(path, options);
  } catch (const DataError& error) {
    throw SlideFailure(reason_code(path), error.what());
  }
}

}  // namespace untiled
