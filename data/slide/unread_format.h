// Slide formats that are not read, and files that only look like a slide.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace untiled {

/// Whose format the ending of a file's name is, such as "Olympus", where slides of it are not read.
std::optional<std::string> unread_format(const std::filesystem::path& path);

/// Throws DataError for a picture that some formats keep beside or before the slide's own files: an
/// overview in a TIFF (Olympus) or a JPEG (MIRAX without its folder).
void require_slide_itself(const std::filesystem::path& path);

}  // namespace untiled
