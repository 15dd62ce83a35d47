// What libpng may be asked for by a file.
#pragma once

#include <png.h>

namespace untiled {

/// Sides beyond libpng's default of a million, for callers bound the area; profiles of at most 64
/// MiB; and texts, Exif data and the like passed over: libpng takes and clears the memory that
/// they claim before it finds the file too short. For a reader that has read nothing yet.
inline void set_png_limits(png_structp png) {
  constexpr png_alloc_size_t kMostOfProfile = png_alloc_size_t{64} << 20;
  constexpr png_byte kPassedOver[] = "tEXt\0zTXt\0iTXt\0eXIf\0sPLT\0hIST\0pCAL\0sCAL\0oFFs\0tIME";
  constexpr int kNameBytes = 5;
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_chunk_malloc_max(png, kMostOfProfile);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, kPassedOver,
                              static_cast<int>(sizeof(kPassedOver)) / kNameBytes);
}

}  // namespace untiled
