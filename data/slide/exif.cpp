#include "data/slide/exif.h"

#include <cstddef>

namespace untiled {

int exif_orientation(std::span<const uint8_t> tiff) {
  constexpr size_t kHeaderBytes = 8;
  constexpr size_t kEntryBytes = 12;
  constexpr size_t kOrientationTag = 0x0112;
  constexpr size_t kLong = 4;  // Of four bytes, as some write it where two would do.
  constexpr size_t kLast = 8;
  if (tiff.size() < kHeaderBytes) return 1;
  const bool little = tiff[0] == 'I';
  const auto integer = [&](size_t at, size_t count) -> size_t {
    size_t value = 0;
    for (size_t i = 0; i < count && at + count <= tiff.size(); ++i) {
      value = value << 8 | tiff[at + (little ? count - 1 - i : i)];
    }
    return value;
  };
  const size_t directory = integer(4, 4);
  const size_t entries = integer(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + kEntryBytes * i;
    if (integer(entry, 2) != kOrientationTag) continue;
    const size_t orientation = integer(entry + 8, integer(entry + 2, 2) == kLong ? 4 : 2);
    return orientation >= 1 && orientation <= kLast ? static_cast<int>(orientation) : 1;
  }
  return 1;
}

}  // namespace untiled
