// Slides that OpenSlide opens: their facts, and a reader that decodes through it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "data/slide/openslide_handle.h"
#include "data/slide/reader.h"

namespace untiled {

/// The facts of a slide as OpenSlide and its properties tell them.
SlideInfo describe_openslide(const std::filesystem::path& path, const OpenSlideHandle& handle);

/// A reader that takes over `handle`.
std::shared_ptr<const SlideReader> make_openslide_reader(
    SlideInfo info, std::shared_ptr<const OpenSlideHandle> handle, const OpenOptions& options);

/// All files of the slide at `path`: companions of MIRAX, VMS and DICOM, else itself. Sorted.
std::vector<std::filesystem::path> slide_files(const std::filesystem::path& path,
                                               const SlideInfo& info);

}  // namespace untiled
