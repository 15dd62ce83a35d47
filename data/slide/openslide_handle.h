// OpenSlide, wrapped once. Compiled against the headers of 3.4.1; what 4.x adds is looked up when
// the program runs.
#pragma once

#include <openslide.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/region.h"

namespace untiled {

/// OpenSlide's name of the format, or nothing when it does not know the file.
std::optional<std::string> openslide_vendor(const std::filesystem::path& path);

/// The version of the library that was loaded, such as "4.0.1".
std::string openslide_version();

/// An open slide. Any thread may read; after an error every further call fails, as OpenSlide
/// defines, so that the owner has to open the file again.
class OpenSlideHandle {
 public:
  /// Tiles decoded by all readers of this handle are cached in `cache_bytes` where the library has
  /// such a function (4.x; 3.4.1 takes 32 MiB). Throws DataError with OpenSlide's reason.
  OpenSlideHandle(const std::filesystem::path& path, int64_t cache_bytes);

  int level_count() const;
  Extent level_extent(int level) const;
  /// The scale by which OpenSlide turns level-0 positions into those of `level`: the mean ratio of
  /// sizes, not the true scale.
  double level_ratio(int level) const;
  std::vector<std::string> property_names() const;
  std::optional<std::string> property(const std::string& name) const;
  std::vector<std::string> associated_images() const;
  bool has_icc() const;

  /// `extent` pixels of `level` from (`row_level0`, `col_level0`): premultiplied 0xAARRGGBB.
  /// Throws DataError with OpenSlide's reason, which names no file.
  std::vector<uint32_t> read(int level, int64_t row_level0, int64_t col_level0,
                             const Extent& extent) const;
  /// The same, or nothing after an error, be it another thread's.
  std::optional<std::vector<uint32_t>> try_read(int level, int64_t row_level0, int64_t col_level0,
                                                const Extent& extent) const;

 private:
  struct Closer {
    void operator()(openslide_t* slide) const { openslide_close(slide); }
  };
  std::unique_ptr<openslide_t, Closer> slide_;
};

}  // namespace untiled
