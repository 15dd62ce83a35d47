// What tells one slide from another, and from an older version of itself.
#pragma once

#include <string>

#include "data/slide/reader.h"

namespace untiled {

/// 32 hex digits from the sizes, times (ns), first and last 64 KiB of all the slide's files, and
/// OpenSlide's quickhash. Of a slide that is a folder: from the names, sizes and times of all files
/// in it. Reads little. Throws DataError when a file is gone.
std::string fingerprint(const SlideInfo& info);

/// "slide-" and 12 digits of the fingerprint: a name that identifies no patient. Throws DataError.
std::string anonymous_id(const SlideInfo& info);

/// 32 hex digits (XXH3, 128 bits) from every byte of all the slide's files, in order of name.
/// Throws DataError when a file is gone, and Interrupted.
std::string content_hash(const SlideInfo& info);

}  // namespace untiled
