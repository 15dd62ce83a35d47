// What a file is, judged by its first bytes, and the sentence for one that is no slide.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace untiled {

enum class FileKind { kTiff, kPng, kJpeg, kDicom, kOther };

FileKind file_kind(const std::filesystem::path& path);

/// The size of a file. Throws DataError when it cannot be told.
uint64_t file_bytes(const std::filesystem::path& path);

/// Throws DataError when there is no readable, non-empty regular file at `path`; the sentence says
/// which of these it is.
void require_readable_file(const std::filesystem::path& path);

/// What the file seems to be, for a message: "plain text", "a Git LFS pointer (fetch the file with
/// git lfs pull)", "a GIF image", "data of an unknown kind".
std::string describe_content(const std::filesystem::path& path);

/// Throws DataError when the TIFF's header points beyond the end of the file.
void require_whole_tiff_header(const std::filesystem::path& path);

}  // namespace untiled
