// What a file is, judged by its first bytes, and the sentence for one that is no slide.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace untiled {

enum class FileKind { kTiff, kPng, kJpeg, kDicom, kOther };

FileKind file_kind(const std::filesystem::path& path);

/// The size of a file. Throws DataError when it cannot be told.
uint64_t file_bytes(const std::filesystem::path& path);

/// Whether a text is an address such as "s3://bucket/slide.svs" rather than a path.
bool is_address(std::string_view text);

/// What to do about a file that is not there, for a message.
std::string_view advice_for_missing(const std::filesystem::path& path);

/// Throws DataError when there is no readable, non-empty regular file at `path`; the sentence says
/// which of these it is.
void require_readable_file(const std::filesystem::path& path);

/// What the file seems to be, for a message: "plain text", "a Git LFS pointer (fetch the file with
/// git lfs pull)", "a GIF image", "data of an unknown kind".
std::string describe_content(const std::filesystem::path& path);

/// Throws DataError when the TIFF's header points beyond the end of the file.
void require_whole_tiff_header(const std::filesystem::path& path);

}  // namespace untiled
