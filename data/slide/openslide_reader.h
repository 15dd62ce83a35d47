// Slides that OpenSlide opens: their facts, and a reader that decodes through it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/slide/openslide_handle.h"
#include "data/slide/reader.h"

namespace untiled {

/// The facts of a slide as OpenSlide and its properties tell them.
SlideInfo describe_openslide(const std::filesystem::path& path, const OpenSlideHandle& handle);

/// A reader that takes over `handle`. Throws DataError for colours that OpenSlide gets wrong and
/// that cannot be put right.
std::shared_ptr<const SlideReader> make_openslide_reader(
    SlideInfo info, std::shared_ptr<const OpenSlideHandle> handle, const OpenOptions& options);

/// One of OpenSlide's levels that is a level of the slide, by OpenSlide's number.
struct OpenSlideLevel {
  int number = 0;
  LevelInfo info;
};

/// OpenSlide's levels as the slide has them: padding to whole tiles is left out, and so are pages
/// of a TIFF that have not the slide's shape, such as a label that is stored in tiles.
std::vector<OpenSlideLevel> openslide_levels(const OpenSlideHandle& handle);

/// All files of the slide at `path`: companions of MIRAX, VMS and DICOM, else itself. Sorted.
std::vector<std::filesystem::path> slide_files(const std::filesystem::path& path,
                                               const SlideInfo& info);

}  // namespace untiled
