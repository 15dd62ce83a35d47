// Entries of a TIFF's directories as they are stored, for values that libtiff drops.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace untiled {

struct TiffLayout {
  bool big_endian = false;
  bool big_tiff = false;
};

/// The first number of the entry `tag` of type SHORT in the directory at byte `directory`; none
/// where there is no such entry or the file ends before it.
std::optional<uint16_t> short_entry(const std::filesystem::path& path, const TiffLayout& layout,
                                    uint64_t directory, uint16_t tag);

}  // namespace untiled
