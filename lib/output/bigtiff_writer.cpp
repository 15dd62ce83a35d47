#include "lib/output/bigtiff_writer.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>

#include "lib/core/error.h"

namespace untiled {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they lie");

constexpr double kUmPerCentimetre = 1e4;
constexpr uint64_t kHeaderBytes = 16;
constexpr uint64_t kFirstDirectoryAt = 8;  ///< Where the header points to the first directory.

/// Numbers of tags, types and values: TIFF 6.0, Supplement 2 (Deflate) and the BigTIFF proposal.
enum Tag : uint16_t {
  kNewSubfileType = 254,
  kImageWidth = 256,
  kImageLength = 257,
  kBitsPerSample = 258,
  kCompression = 259,
  kPhotometric = 262,
  kImageDescription = 270,
  kSamplesPerPixel = 277,
  kXResolution = 282,
  kYResolution = 283,
  kPlanarConfiguration = 284,
  kResolutionUnit = 296,
  kTileWidth = 322,
  kTileLength = 323,
  kTileOffsets = 324,
  kTileByteCounts = 325,
  kSubIfds = 330,
  kExtraSamples = 338,
  kSampleFormat = 339,
  kYCbCrSubSampling = 530,
};
enum Type : uint16_t { kAscii = 2, kShort = 3, kLong = 4, kRational = 5, kLong8 = 16, kIfd8 = 18 };
constexpr uint16_t kUncompressed = 1;
constexpr uint16_t kJpegStreams = 7;
constexpr uint16_t kAdobeDeflate = 8;
constexpr uint16_t kMinIsBlack = 1;
constexpr uint16_t kRgbColors = 2;
constexpr uint16_t kYCbCr = 6;
constexpr uint16_t kOnePlane = 1;
constexpr uint16_t kSeparatePlanes = 2;
constexpr uint16_t kUnitNone = 1;
constexpr uint16_t kUnitCentimetre = 3;
constexpr uint16_t kUnsigned = 1;
constexpr uint16_t kFloatingPoint = 3;

template <typename T>
void put(std::vector<uint8_t>& bytes, T value) {
  const auto* first = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), first, first + sizeof value);
}

struct Rational {
  uint32_t numerator = 1;
  uint32_t denominator = 1;
};

/// `value` over the largest power of ten that leaves both numbers 32 bits.
Rational to_rational(double value) {
  constexpr double kMost = 4294967295.0;
  double scale = 1e9;
  while (scale > 1 && std::round(value * scale) > kMost) scale /= 10;
  return {static_cast<uint32_t>(std::clamp(std::round(value * scale), 1.0, kMost)),
          static_cast<uint32_t>(scale)};
}

/// One BigTIFF directory; entries are added in the order of their tags.
class Directory {
 public:
  /// `offset` is where the directory will lie in the file.
  explicit Directory(uint64_t offset) : offset_(offset) {}

  void add_shorts(uint16_t tag, const std::vector<uint16_t>& values) { add(tag, kShort, values); }
  void add_short(uint16_t tag, uint16_t value) { add_shorts(tag, {value}); }
  void add_long(uint16_t tag, uint32_t value) { add(tag, kLong, std::vector{value}); }
  void add_long8s(uint16_t tag, const std::vector<uint64_t>& values) { add(tag, kLong8, values); }
  void add_directories(uint16_t tag, const std::vector<uint64_t>& offsets) {
    add(tag, kIfd8, offsets);
  }
  void add_text(uint16_t tag, const std::string& text) {
    std::vector<char> characters(text.begin(), text.end());
    characters.push_back('\0');
    add(tag, kAscii, characters);
  }
  void add_rational(uint16_t tag, const Rational& value) {
    add(tag, kRational, std::vector{value});
  }

  /// The directory, its link to the next one still 0, and then the values that did not fit in it.
  std::vector<uint8_t> bytes() const {
    std::vector<uint8_t> out;
    put(out, static_cast<uint64_t>(entries_.size()));
    uint64_t next_value = offset_ + directory_bytes();
    std::vector<uint8_t> values;
    for (const Entry& entry : entries_) {
      put(out, entry.tag);
      put(out, entry.type);
      put(out, entry.count);
      std::vector<uint8_t> field = entry.value;
      if (field.size() > sizeof(uint64_t)) {
        values.insert(values.end(), field.begin(), field.end());
        field.clear();
        put(field, next_value);
        next_value += entry.value.size();
      }
      field.resize(sizeof(uint64_t), 0);
      out.insert(out.end(), field.begin(), field.end());
    }
    put(out, uint64_t{0});
    out.insert(out.end(), values.begin(), values.end());
    return out;
  }
  /// Where in the file the offset of the next directory belongs.
  uint64_t link_at() const { return offset_ + directory_bytes() - sizeof(uint64_t); }

 private:
  struct Entry {
    uint16_t tag;
    uint16_t type;
    uint64_t count;
    std::vector<uint8_t> value;  ///< Padded to whole words of 8 bytes where it stands alone.
  };

  template <typename T>
  void add(uint16_t tag, uint16_t type, const std::vector<T>& values) {
    Entry entry{tag, type, values.size(), {}};
    for (const T& value : values) put(entry.value, value);
    entry.value.resize(
        static_cast<size_t>(ceil_div(static_cast<int64_t>(entry.value.size()), 8) * 8));
    entries_.push_back(std::move(entry));
  }
  uint64_t directory_bytes() const { return 8 + 20 * entries_.size() + 8; }

  uint64_t offset_;
  std::vector<Entry> entries_;
};

void add_resolution(Directory& directory, const std::optional<OutputScale>& scale) {
  const auto per_centimetre = [](double mpp) { return to_rational(kUmPerCentimetre / mpp); };
  directory.add_rational(kXResolution, scale ? per_centimetre(scale->mpp_x) : Rational{});
  directory.add_rational(kYResolution, scale ? per_centimetre(scale->mpp_y) : Rational{});
}

void add_tiles(Directory& directory, const std::vector<TilePlace>& tiles) {
  std::vector<uint64_t> offsets;
  std::vector<uint64_t> sizes;
  for (const TilePlace& tile : tiles) {
    offsets.push_back(tile.offset);
    sizes.push_back(tile.size);
  }
  directory.add_long8s(kTileOffsets, offsets);
  directory.add_long8s(kTileByteCounts, sizes);
}

int planes(const TiffImage& image) {
  return image.coding == TileCoding::kDeflate ? image.samples : 1;
}

/// Values of Compression and PhotometricInterpretation.
struct CodingTags {
  uint16_t compression;
  uint16_t photometric;
};

CodingTags tags_of(TileCoding coding) {
  switch (coding) {
    case TileCoding::kJpeg:
      return {kJpegStreams, kYCbCr};
    case TileCoding::kRgb:
      return {kUncompressed, kRgbColors};
    case TileCoding::kRgbDeflate:
      return {kAdobeDeflate, kRgbColors};
    default:
      return {kAdobeDeflate, kMinIsBlack};
  }
}

Directory describe(const TiffImage& image, const std::vector<uint64_t>& sub_images,
                   uint64_t offset) {
  const CodingTags coding = tags_of(image.coding);
  const auto samples = static_cast<size_t>(image.samples);
  const auto bits = static_cast<uint16_t>(8 * sample_bytes(image.type));
  Directory directory(offset);
  directory.add_long(kNewSubfileType, image.reduced ? 1 : 0);
  directory.add_long(kImageWidth, static_cast<uint32_t>(image.extent.cols));
  directory.add_long(kImageLength, static_cast<uint32_t>(image.extent.rows));
  directory.add_shorts(kBitsPerSample, std::vector<uint16_t>(samples, bits));
  directory.add_short(kCompression, coding.compression);
  directory.add_short(kPhotometric, coding.photometric);
  if (!image.description.empty()) directory.add_text(kImageDescription, image.description);
  directory.add_short(kSamplesPerPixel, static_cast<uint16_t>(samples));
  const uint16_t format = image.type == SampleType::kUint8 ? kUnsigned : kFloatingPoint;
  add_resolution(directory, image.scale);
  directory.add_short(kPlanarConfiguration, planes(image) > 1 ? kSeparatePlanes : kOnePlane);
  directory.add_short(kResolutionUnit, image.scale ? kUnitCentimetre : kUnitNone);
  directory.add_long(kTileWidth, static_cast<uint32_t>(image.tile));
  directory.add_long(kTileLength, static_cast<uint32_t>(image.tile));
  add_tiles(directory, image.tiles);
  if (!sub_images.empty()) directory.add_directories(kSubIfds, sub_images);
  if (planes(image) > 1) {
    directory.add_shorts(kExtraSamples, std::vector<uint16_t>(samples - 1, 0));
  }
  directory.add_shorts(kSampleFormat, std::vector<uint16_t>(samples, format));
  if (image.coding == TileCoding::kJpeg) directory.add_shorts(kYCbCrSubSampling, {2, 2});
  return directory;
}

void require_all_tiles(const TiffImage& image) {
  const size_t needed =
      tiff_tiles(image.extent, image.tile).size() * static_cast<size_t>(planes(image));
  const bool all = image.tiles.size() == needed &&
                   std::all_of(image.tiles.begin(), image.tiles.end(),
                               [](const TilePlace& tile) { return tile.size > 0; });
  if (!all) {
    throw InternalError(fmt::format("a TIFF image of {} lacks some of its {} tiles",
                                    to_string(image.extent), needed));
  }
}

}  // namespace

size_t sample_bytes(SampleType type) { return type == SampleType::kUint8 ? 1 : 4; }

std::vector<Region> tiff_tiles(const Extent& extent, int64_t tile) {
  return tile_grid(extent, {tile, tile});
}

std::vector<uint8_t> deflate(std::span<const uint8_t> bytes, int level) {
  uLongf size = compressBound(bytes.size());
  std::vector<uint8_t> out(size);
  if (compress2(out.data(), &size, bytes.data(), bytes.size(), level) != Z_OK) {
    throw InternalError("zlib could not compress a tile");
  }
  out.resize(size);
  return out;
}

BigTiffWriter::BigTiffWriter(const std::filesystem::path& path)
    : target_(path), file_(std::fopen(target_.path().c_str(), "wb")) {
  if (!file_) throw write_error(path, errno);
  std::vector<uint8_t> header = {'I', 'I', 43, 0, 8, 0, 0, 0};
  header.resize(kHeaderBytes, 0);
  write(header);
}

TilePlace BigTiffWriter::append(std::span<const uint8_t> tile) {
  const TilePlace place = {size_, tile.size()};
  write(tile);
  return place;
}

void BigTiffWriter::finish(const std::vector<TiffImage>& images, TiffLevels levels) {
  std::for_each(images.begin(), images.end(), require_all_tiles);
  const bool chained = levels == TiffLevels::kChain;
  std::vector<uint64_t> sub_images;
  for (size_t i = 1; i < images.size() && !chained; ++i) {
    sub_images.push_back(write_directory(images[i], {}).offset);
  }
  uint64_t link_at = kFirstDirectoryAt;
  for (size_t i = 0; i < (chained ? images.size() : 1); ++i) {
    const DirectoryPlace place = write_directory(images[i], sub_images);
    write_at(link_at, place.offset);
    link_at = place.link_at;
  }
  if (std::fclose(file_.release()) != 0) throw write_error(target_.destination(), errno);
  target_.commit();
}

BigTiffWriter::DirectoryPlace BigTiffWriter::write_directory(
    const TiffImage& image, const std::vector<uint64_t>& sub_images) {
  write(std::vector<uint8_t>((8 - size_ % 8) % 8, 0));  // Directories begin at whole words.
  const uint64_t offset = size_;
  const Directory directory = describe(image, sub_images, offset);
  write(directory.bytes());
  return {offset, directory.link_at()};
}

void BigTiffWriter::write(std::span<const uint8_t> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) {
    throw write_error(target_.destination(), errno);
  }
  size_ += bytes.size();
}

void BigTiffWriter::write_at(uint64_t offset, uint64_t value) {
  if (fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) != 0 ||
      std::fwrite(&value, sizeof value, 1, file_.get()) != 1 ||
      fseeko(file_.get(), 0, SEEK_END) != 0) {
    throw write_error(target_.destination(), errno);
  }
}

}  // namespace untiled
