#include "data/slide/png_orientation.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/slide/block_decoder.h"
#include "data/slide/exif.h"
#include "lib/core/number.h"

namespace untiled {
namespace {

using std::string_view_literals::operator""sv;

/// Exif data with a thumbnail fit; what is longer is passed over.
constexpr uint32_t kMostBytes = 1 << 20;

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

std::string text_at(const PositionedFile& file, uint64_t offset, uint64_t size) {
  const Bytes bytes = file.read(offset, size);
  return {bytes.begin(), bytes.end()};
}

/// Nothing where the stream is damaged or longer than Exif data are.
std::optional<std::string> inflated(std::string_view packed) {
  std::string text(kMostBytes, '\0');
  uLongf size = text.size();
  const int result = uncompress(reinterpret_cast<Bytef*>(text.data()), &size,
                                reinterpret_cast<const Bytef*>(packed.data()), packed.size());
  if (result != Z_OK) return std::nullopt;
  text.resize(size);
  return text;
}

/// Behind the keyword of a text chunk and, where it is compressed, the byte that says how.
std::optional<std::string> profile_text(std::string_view kind, std::string_view chunk) {
  constexpr std::array<std::string_view, 2> kKeywords = {"Raw profile type exif\0"sv,
                                                         "Raw profile type APP1\0"sv};
  const auto* const keyword =
      std::find_if(kKeywords.begin(), kKeywords.end(),
                   [&](std::string_view known) { return chunk.starts_with(known); });
  if (keyword == kKeywords.end()) return std::nullopt;
  chunk.remove_prefix(keyword->size());
  if (kind == "tEXt") return std::string(chunk);
  if (!chunk.starts_with('\0')) return std::nullopt;
  return inflated(chunk.substr(1));
}

/// The bytes of a profile that ImageMagick wrote as text: a line end, its name, its length, and
/// digits in lines.
std::string bytes_of_profile(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  for (int word = 0; word < 2; ++word) {  // The name and the length.
    text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    text.remove_prefix(std::min(text.find_first_of(kSpace), text.size()));
  }
  std::string digits(text);
  std::erase_if(digits, [&](char c) { return kSpace.find(c) != std::string_view::npos; });
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    const auto byte = parse_hex(std::string_view(digits).substr(i, 2));
    if (!byte) return {};
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

int orientation_of(std::string_view exif) {
  constexpr std::string_view kMark = "Exif\0\0"sv;  // As in JPEG, where it is left there.
  if (exif.starts_with(kMark)) exif.remove_prefix(kMark.size());
  return exif_orientation({reinterpret_cast<const uint8_t*>(exif.data()), exif.size()});
}

}  // namespace

int png_orientation(const std::filesystem::path& path) {
  constexpr std::string_view kSignature = "\x89PNG\r\n\x1A\n";
  constexpr uint64_t kHeader = 8;
  constexpr uint64_t kCheckSum = 4;
  const PositionedFile file(path);
  const uint64_t end = file.size();
  if (end < kHeader || text_at(file, 0, kHeader) != kSignature) return 1;
  int of_text = 1;
  for (uint64_t at = kHeader; at + kHeader + kCheckSum <= end;) {
    const std::string header = text_at(file, at, kHeader);
    const uint32_t size = big_endian(std::string_view(header).substr(0, 4));
    const std::string_view kind = std::string_view(header).substr(4);
    const bool may_tell = kind == "eXIf" || kind == "tEXt" || kind == "zTXt";
    at += kHeader;
    if (may_tell && size <= std::min<uint64_t>(kMostBytes, end - at)) {
      const std::string chunk = text_at(file, at, size);
      if (kind == "eXIf") return orientation_of(chunk);
      if (const auto text = profile_text(kind, chunk)) {
        of_text = orientation_of(bytes_of_profile(*text));
      }
    }
    at += size + kCheckSum;
  }
  return of_text;
}

}  // namespace untiled
