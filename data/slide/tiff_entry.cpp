#include "data/slide/tiff_entry.h"

#include <tiff.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace untiled {
namespace {

uint64_t number_at(std::string_view bytes, size_t offset, size_t size, bool big_endian) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    const size_t at = offset + (big_endian ? i : size - 1 - i);
    value = value << 8 | static_cast<unsigned char>(bytes[at]);
  }
  return value;
}

/// As many bytes as the file has there.
std::string bytes_from(std::ifstream& file, size_t count) {
  std::string bytes(count, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return bytes;
}

}  // namespace

std::optional<uint16_t> short_entry(const std::filesystem::path& path, const TiffLayout& layout,
                                    uint64_t directory, uint16_t tag) {
  constexpr uint64_t kMostEntries = 4096;  // libtiff refuses BigTIFF directories with more.
  const size_t count_size = layout.big_tiff ? 8 : 2;
  const size_t entry_size = layout.big_tiff ? 20 : 12;
  const size_t value_offset = layout.big_tiff ? 12 : 8;
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(directory));
  const std::string head = bytes_from(file, count_size);
  if (head.size() < count_size) return std::nullopt;
  const uint64_t count = std::min(number_at(head, 0, count_size, layout.big_endian), kMostEntries);
  const std::string entries = bytes_from(file, count * entry_size);
  for (size_t at = 0; at + entry_size <= entries.size(); at += entry_size) {
    if (number_at(entries, at, 2, layout.big_endian) != tag) continue;
    if (number_at(entries, at + 2, 2, layout.big_endian) != TIFF_SHORT) return std::nullopt;
    return static_cast<uint16_t>(number_at(entries, at + value_offset, 2, layout.big_endian));
  }
  return std::nullopt;
}

}  // namespace untiled
