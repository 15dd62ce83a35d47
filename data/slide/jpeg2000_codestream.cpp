#include "data/slide/jpeg2000_codestream.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/error.h"

namespace untiled {
namespace {

using Stream = std::span<const uint8_t>;

constexpr uint64_t kStartOfCodestream = 0xFF4F;
constexpr uint64_t kSize = 0xFF51;
constexpr uint64_t kCodingStyle = 0xFF52;
constexpr uint64_t kStartOfTilePart = 0xFF90;
constexpr uint64_t kEndOfCodestream = 0xFFD9;

constexpr uint64_t kSignatureBox = 0x6A502020;   // "jP  "
constexpr uint64_t kCodestreamBox = 0x6A703263;  // "jp2c"

/// A decoder keeps some KiB for each; slides have one.
constexpr int64_t kMostTiles = 1024;

/// The shortest tile-part: its first marker segment alone.
constexpr uint64_t kTilePartHeader = 12;

/// The big-endian integer of `count` bytes.
uint64_t integer(Stream stream, size_t at, size_t count) {
  if (at > stream.size() || count > stream.size() - at) {
    throw DataError("its JPEG 2000 stream ends early");
  }
  uint64_t value = 0;
  for (const uint8_t byte : stream.subspan(at, count)) value = value << 8 | byte;
  return value;
}

Stream find_codestream(Stream stream) {
  if (!is_jp2(stream)) return stream;
  for (size_t at = 0; at < stream.size();) {
    uint64_t size = integer(stream, at, 4);
    const size_t header = size == 1 ? 16 : 8;
    if (size == 1) size = integer(stream, at + 8, 8);
    if (size == 0) size = stream.size() - at;
    if (size < header || size > stream.size() - at) {
      throw DataError(fmt::format("the box at byte {} of its JP2 stream is cut short", at));
    }
    if (integer(stream, at + 4, 4) == kCodestreamBox) {
      return stream.subspan(at + header, size - header);
    }
    at += size;
  }
  throw DataError("its JP2 stream has no codestream");
}

void require_codestream(Stream codestream) {
  if (integer(codestream, 0, 2) == kStartOfCodestream && integer(codestream, 2, 2) == kSize) return;
  throw DataError(fmt::format("its data begin with {:08X} and are no JPEG 2000 stream",
                              integer(codestream, 0, 4)));
}

Extent extent_at(Stream codestream, size_t at) {
  return {static_cast<int64_t>(integer(codestream, at + 4, 4)),
          static_cast<int64_t>(integer(codestream, at, 4))};
}

std::vector<Jpeg2000Component> read_components(Stream codestream) {
  std::vector<Jpeg2000Component> components(integer(codestream, 40, 2));
  for (size_t i = 0; i < components.size(); ++i) {
    const size_t at = 42 + 3 * i;
    const uint64_t depth = integer(codestream, at, 1);
    components[i] = {static_cast<int>(depth & 0x7F) + 1,
                     (depth & 0x80) != 0,
                     {static_cast<int64_t>(integer(codestream, at + 2, 1)),
                      static_cast<int64_t>(integer(codestream, at + 1, 1))}};
    if (components[i].step.empty()) {
      throw DataError(fmt::format("component {} of its JPEG 2000 stream has no sampling", i));
    }
  }
  return components;
}

/// The number of tiles inside the codestream.
int64_t count_tiles(Stream codestream, const Extent& extent) {
  const Extent tile = extent_at(codestream, 24);
  if (extent.empty() || tile.empty()) {
    throw DataError(fmt::format("its JPEG 2000 stream has a size of {} in tiles of {}",
                                to_string(extent), to_string(tile)));
  }
  const bool at_corner =
      extent_at(codestream, 16) == Extent{} && extent_at(codestream, 32) == Extent{};
  if (!at_corner) throw DataError("its JPEG 2000 stream does not begin at its own corner");
  const int64_t down = ceil_div(extent.rows, tile.rows);
  const int64_t across = ceil_div(extent.cols, tile.cols);
  if (std::max(down, across) > kMostTiles || down * across > kMostTiles) {
    throw DataError(
        fmt::format("its JPEG 2000 stream is cut into {} x {} tiles where {} can be read", down,
                    across, kMostTiles));
  }
  return down * across;
}

struct MainHeader {
  bool transforms_color = false;
  size_t end = 0;
};

MainHeader read_main_header(Stream codestream) {
  MainHeader header{false, 4 + integer(codestream, 4, 2)};
  for (uint64_t marker = integer(codestream, header.end, 2); marker != kStartOfTilePart;
       marker = integer(codestream, header.end, 2)) {
    const uint64_t size = integer(codestream, header.end + 2, 2);
    if (marker < 0xFF00 || size < 2) {
      throw DataError(
          fmt::format("the header of its JPEG 2000 stream is damaged at byte {}", header.end));
    }
    if (marker == kCodingStyle) {
      header.transforms_color = integer(codestream, header.end + 8, 1) != 0;
    }
    header.end += 2 + size;
  }
  return header;
}

/// The end of a codestream whose last tile-part gives no size: that of the end marker, which
/// zeros may follow.
size_t find_end(Stream codestream) {
  size_t end = codestream.size();
  while (end > 2 && codestream[end - 1] == 0) --end;
  if (integer(codestream, end - 2, 2) == kEndOfCodestream) return end - 2;
  throw DataError("its JPEG 2000 stream ends early");
}

struct PartCount {
  uint64_t found = 0;
  uint64_t promised = 1;
};

struct TileParts {
  std::vector<PartCount> tiles;
  bool have_end = false;  ///< The end marker follows them.
};

/// Counts the tile-parts from byte `at` on.
TileParts count_tile_parts(Stream codestream, size_t at, int64_t tiles) {
  TileParts parts{std::vector<PartCount>(static_cast<size_t>(tiles)), false};
  while (at + kTilePartHeader <= codestream.size() &&
         integer(codestream, at, 2) == kStartOfTilePart) {
    const uint64_t tile = integer(codestream, at + 4, 2);
    const uint64_t given_size = integer(codestream, at + 6, 4);
    const uint64_t size = given_size == 0 ? find_end(codestream) - at : given_size;
    if (tile >= parts.tiles.size() || size < kTilePartHeader || size > codestream.size() - at) {
      throw DataError(fmt::format("the tile at byte {} of its JPEG 2000 stream is cut short", at));
    }
    PartCount& count = parts.tiles[tile];
    ++count.found;
    count.promised = std::max(count.promised, integer(codestream, at + 11, 1));
    at += size;
  }
  parts.have_end = at + 2 <= codestream.size() && integer(codestream, at, 2) == kEndOfCodestream;
  return parts;
}

/// Some writers promise a wrong number of parts, and some leave out the end marker: a codestream
/// with neither was cut.
void require_all_parts(const TileParts& parts) {
  for (size_t i = 0; i < parts.tiles.size(); ++i) {
    if (parts.tiles[i].found >= (parts.have_end ? 1 : parts.tiles[i].promised)) continue;
    throw DataError(fmt::format("tile {} of {} in its JPEG 2000 stream is not complete", i,
                                parts.tiles.size()));
  }
}

}  // namespace

bool Jpeg2000Codestream::is_subsampled() const {
  return std::any_of(components.begin(), components.end(),
                     [](const auto& component) { return component.step.area() > 1; });
}

bool is_jp2(std::span<const uint8_t> stream) {
  return stream.size() >= 12 && integer(stream, 4, 4) == kSignatureBox;
}

Jpeg2000Codestream read_jpeg2000_codestream(std::span<const uint8_t> stream) {
  const Stream codestream = find_codestream(stream);
  require_codestream(codestream);
  Jpeg2000Codestream header;
  header.extent = extent_at(codestream, 8);
  header.components = read_components(codestream);
  const int64_t tiles = count_tiles(codestream, header.extent);
  const MainHeader main_header = read_main_header(codestream);
  header.transforms_color = main_header.transforms_color;
  require_all_parts(count_tile_parts(codestream, main_header.end, tiles));
  return header;
}

}  // namespace untiled
