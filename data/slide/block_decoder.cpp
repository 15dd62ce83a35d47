#include "data/slide/block_decoder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "data/slide/jpeg.h"
#include "data/slide/jpeg2000.h"
#include "data/slide/jpeg_stream.h"
#include "data/slide/samples.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

Alpha alpha_of(const TiffDirectory& directory) {
  if (!directory.has_alpha) return Alpha::kNone;
  return directory.alpha_is_premultiplied ? Alpha::kPremultiplied : Alpha::kStraight;
}

void invert(Bytes& samples) {
  for (uint8_t& sample : samples) sample = static_cast<uint8_t>(255 - sample);
}

/// Planes of equal size, one after another, to interleaved samples.
Bytes interleave(const std::vector<Bytes>& planes) {
  Bytes samples(planes.front().size() * planes.size());
  for (size_t c = 0; c < planes.size(); ++c) {
    for (size_t i = 0; i < planes[c].size(); ++i) samples[i * planes.size() + c] = planes[c][i];
  }
  return samples;
}

/// The colours of indices of a palette of 256.
Bytes look_up(const Bytes& indices, const std::vector<Rgb>& palette) {
  Bytes samples(indices.size() * 3);
  for (size_t i = 0; i < indices.size(); ++i) {
    std::copy_n(palette[indices[i]].begin(), 3, &samples[3 * i]);
  }
  return samples;
}

/// Cuts or pads a decoded image to `extent`; pads are outside the slide and never seen.
Bytes fit(JpegImage image, const Extent& extent) {
  if (image.extent == extent) return std::move(image.pixels);
  Bytes pixels(static_cast<size_t>(extent.area() * image.channels), 0);
  const auto bytes = static_cast<size_t>(std::min(image.extent.cols, extent.cols) * image.channels);
  for (int64_t row = 0; row < std::min(image.extent.rows, extent.rows); ++row) {
    std::memcpy(&pixels[static_cast<size_t>(row * extent.cols * image.channels)],
                &image.pixels[static_cast<size_t>(row * image.extent.cols * image.channels)],
                bytes);
  }
  return pixels;
}

/// More than a tile's stream needs is damage, or an attempt to take all memory.
int64_t most_jpeg_pixels(const Extent& tile) { return 4 * tile.area() + 65536; }

JpegColor jpeg_color(const TiffDirectory& directory) {
  return directory.photometric == PHOTOMETRIC_YCBCR ? JpegColor::kYCbCr
                                                    : JpegColor::kRgbUnlessMarked;
}

Jpeg2000Color jpeg2000_color(const TiffDirectory& directory) {
  if (directory.compression == kAperioJpeg2000YCbCr) return Jpeg2000Color::kYCbCr;
  if (directory.compression == kAperioJpeg2000Rgb) return Jpeg2000Color::kRgb;
  return directory.photometric == PHOTOMETRIC_YCBCR ? Jpeg2000Color::kYCbCrUnlessMarked
                                                    : Jpeg2000Color::kRgbUnlessMarked;
}

/// The part of a tile or strip `block`, counted over all planes, that lies inside the image.
Region visible_part(const TiffDirectory& directory, int64_t block) {
  const int64_t index = block % (directory.tile_rows() * directory.tile_cols());
  return clip(block_region(directory, index), directory.extent);
}

bool holds_plain_rgb(const TiffDirectory& directory, const TiffBlock& where, const Region& block) {
  return directory.is_plain_rgb() && where.size == static_cast<uint64_t>(block.area() * 3);
}

std::string_view text_of(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The RGB pixels of a region inside a target.
class PixelArea {
 public:
  PixelArea(const PixelTarget& target, const Region& part)
      : extent_(part.extent()),
        row_bytes_(static_cast<size_t>(target.row_stride)),
        first_(target.at(part.rows.begin, part.cols.begin)) {}

  SampleTarget target() const { return {first_, extent_, 3, row_bytes_}; }

  void fill(const Rgb& color) const {
    const auto width = static_cast<size_t>(extent_.cols * 3);
    for (size_t i = 0; i < width; ++i) first_[i] = color[i % 3];
    for (int64_t row = 1; row < extent_.rows; ++row) std::memcpy(at(row), first_, width);
  }

  /// The colour of all pixels, if it is one.
  std::optional<Rgb> only_color() const {
    const Rgb color = {first_[0], first_[1], first_[2]};
    const auto width = static_cast<size_t>(extent_.cols * 3);
    for (size_t i = 0; i < width; ++i) {
      if (first_[i] != color[i % 3]) return std::nullopt;
    }
    for (int64_t row = 1; row < extent_.rows; ++row) {
      if (std::memcmp(at(row), first_, width) != 0) return std::nullopt;
    }
    return color;
  }

 private:
  uint8_t* at(int64_t row) const { return first_ + static_cast<size_t>(row) * row_bytes_; }

  Extent extent_;
  size_t row_bytes_;
  uint8_t* first_;
};

}  // namespace

Region block_region(const TiffDirectory& directory, int64_t index) {
  const Region region =
      shift(whole(directory.tile), index / directory.tile_cols() * directory.tile.rows,
            index % directory.tile_cols() * directory.tile.cols);
  return directory.tiled ? region : clip(region, directory.extent);
}

PositionedFile::PositionedFile(const std::filesystem::path& path)
    : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    throw DataError(fmt::format("{} cannot be opened: {}", path.string(), std::strerror(errno)));
  }
}

PositionedFile::~PositionedFile() { close(descriptor_); }

uint64_t PositionedFile::size() const {
  struct stat status {};
  if (fstat(descriptor_, &status) != 0) throw DataError(std::strerror(errno));
  return static_cast<uint64_t>(status.st_size);
}

size_t PositionedFile::read_some(uint8_t* to, size_t size, uint64_t offset) const {
  while (true) {
    const ssize_t count = pread(descriptor_, to, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw DataError(std::strerror(errno));
    if (count == 0) throw DataError("the file ends early");
    return static_cast<size_t>(count);
  }
}

Bytes PositionedFile::read(uint64_t offset, uint64_t size) const {
  Bytes bytes(size);
  for (size_t done = 0; done < size;) {
    done += read_some(bytes.data() + done, size - done, offset + done);
  }
  return bytes;
}

void PositionedFile::read_into(uint64_t offset, std::span<const iovec> places) const {
  const ssize_t count = preadv(descriptor_, places.data(), static_cast<int>(places.size()),
                               static_cast<off_t>(offset));
  size_t skipped = count > 0 ? static_cast<size_t>(count) : 0;  // Seldom less than all.
  for (const iovec& place : places) {
    const size_t there = std::min(skipped, place.iov_len);
    for (size_t done = there; done < place.iov_len;) {
      done += read_some(static_cast<uint8_t*>(place.iov_base) + done, place.iov_len - done,
                        offset + done);
    }
    skipped -= there;
    offset += place.iov_len;
  }
}

std::optional<Rgb> PlainTiles::find(uint64_t directory, std::span<const uint8_t> stream) const {
  const std::lock_guard lock(mutex_);
  const auto colors = colors_.find(directory);
  if (colors == colors_.end()) return std::nullopt;
  const auto found = colors->second.find(text_of(stream));
  if (found == colors->second.end()) return std::nullopt;
  return found->second;
}

void PlainTiles::remember(uint64_t directory, std::span<const uint8_t> stream, const Rgb& color) {
  constexpr size_t kMost = 64;
  const std::lock_guard lock(mutex_);
  if (size_ < kMost && colors_[directory].emplace(text_of(stream), color).second) ++size_;
}

size_t PlainTiles::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

void BlockDecoder::decode_into(const TiffLevel& level, int64_t index,
                               const PixelTarget& onto) const {
  const TiffDirectory& directory = level.first();
  const TiffBlock& where = directory.blocks[static_cast<size_t>(index)];
  const Region block = block_region(directory, index);
  if (level.planes.size() == 1 && holds_plain_rgb(directory, where, block)) {
    return read_rgb_rows(directory, where, block, clip(block, level.extent()), onto);
  }
  const bool own_decoder = directory.compression == COMPRESSION_JPEG || directory.is_jpeg2000();
  const bool straight = level.planes.size() == 1 && !directory.separate_planes && own_decoder &&
                        directory.samples == 3 && where.size > 0;
  straight ? decode_rgb_stream(level, index, onto) : copy_overlap(decode(level, index), onto);
}

/// Without a copy in between; what lies beyond the image's edge goes nowhere.
void BlockDecoder::read_rgb_rows(const TiffDirectory& directory, const TiffBlock& where,
                                 const Region& block, const Region& part,
                                 const PixelTarget& onto) const {
  if (onto.next_read == NextRead::kLater) {
    return read_rgb_rows_by_way_of_cache(where, block, part, onto);
  }
  constexpr int64_t kRows = 256;  // Two places each: systems take 1024 at a time.
  const int64_t block_bytes = block.cols.size() * directory.samples;
  const auto seen = static_cast<size_t>(part.cols.size() * directory.samples);
  Bytes beyond(static_cast<size_t>(block_bytes) - seen);
  std::vector<iovec> places;
  for (int64_t top = part.rows.begin; top < part.rows.end; top += kRows) {
    places.clear();
    for (int64_t row = top; row < std::min(top + kRows, part.rows.end); ++row) {
      places.push_back({onto.at(row, part.cols.begin), seen});
      if (!beyond.empty()) places.push_back({beyond.data(), beyond.size()});
    }
    const int64_t skipped = (top - block.rows.begin) * block_bytes;
    file_.read_into(where.offset + static_cast<uint64_t>(skipped), places);
  }
}

/// The system writes to a place through the caches. So that these need not hold it, it writes some
/// rows to memory that stays there.
void BlockDecoder::read_rgb_rows_by_way_of_cache(const TiffBlock& where, const Region& block,
                                                 const Region& part,
                                                 const PixelTarget& onto) const {
  constexpr int64_t kBytes = int64_t{96} << 10;
  const int64_t block_bytes = block.cols.size() * 3;
  const int64_t at_once = std::max<int64_t>(1, kBytes / block_bytes);
  Bytes some(static_cast<size_t>(std::min(at_once, part.rows.size()) * block_bytes));
  const RowCopy rows(onto.next_read);
  for (int64_t top = part.rows.begin; top < part.rows.end; top += at_once) {
    const int64_t count = std::min(at_once, part.rows.end - top);
    const iovec place = {some.data(), static_cast<size_t>(count * block_bytes)};
    const int64_t skipped = (top - block.rows.begin) * block_bytes;
    file_.read_into(where.offset + static_cast<uint64_t>(skipped), {&place, 1});
    for (int64_t row = 0; row < count; ++row) {
      rows.copy(some.data() + row * block_bytes, onto.at(top + row, part.cols.begin),
                static_cast<size_t>(part.cols.size() * 3));
    }
  }
}

void BlockDecoder::decode_rgb_stream(const TiffLevel& level, int64_t index,
                                     const PixelTarget& onto) const {
  const TiffDirectory& directory = level.first();
  const TiffBlock& where = directory.blocks[static_cast<size_t>(index)];
  const Bytes stream = file_.read(where.offset, where.size);
  const Region part = clip(block_region(directory, index), level.extent());
  const PixelArea area(onto, part);
  const std::span<const uint8_t> compressed(stream.data(), stream.size());
  const bool may_be_plain = stream.size() <= PlainTiles::kMostBytes;
  if (may_be_plain) {
    if (const auto color = plain_.find(directory.offset, compressed)) return area.fill(*color);
  }
  if (directory.is_jpeg2000()) {
    decode_jpeg2000_into(compressed, jpeg2000_color(directory), area.target(), directory.tile);
  } else {
    decode_jpeg_into(directory.jpeg_tables, compressed, jpeg_color(directory), area.target(),
                     most_jpeg_pixels(directory.tile));
  }
  // Of a tile that reaches over the edge only a part was seen.
  if (may_be_plain && part.extent() == directory.tile) {
    if (const auto color = area.only_color()) plain_.remember(directory.offset, compressed, *color);
  }
}

StoredTile BlockDecoder::stored(const TiffLevel& level, int64_t index) const {
  const TiffDirectory& directory = level.first();
  const TiffBlock& where = directory.blocks[static_cast<size_t>(index)];
  StoredTile tile;
  if (level.planes.size() > 1 || directory.separate_planes || where.size == 0) return tile;
  tile.region = block_region(directory, index);
  tile.offset = where.offset;
  if (holds_plain_rgb(directory, where, tile.region)) tile.kind = StoredTile::Kind::kRgb;
  if (directory.compression != COMPRESSION_JPEG || directory.samples != 3) return tile;
  tile.stream = whole_jpeg_stream(directory.jpeg_tables, file_.read(where.offset, where.size),
                                  jpeg_color(directory), tile.region.extent());
  if (!tile.stream.empty()) tile.kind = StoredTile::Kind::kJpeg;
  return tile;
}

PixelBlock BlockDecoder::decode(const TiffLevel& level, int64_t index) const {
  const auto& planes = level.planes;
  const bool any_missing = std::any_of(planes.begin(), planes.end(), [&](const auto& directory) {
    return directory.blocks[static_cast<size_t>(index)].size == 0;
  });
  const Region region = block_region(level.first(), index);
  if (any_missing) return missing_block(region, background_);
  if (planes.size() == 1) return decode_directory(planes.front(), index);
  std::vector<Bytes> colors;
  for (const auto& directory : planes) {
    colors.push_back(decode_plane(directory, index, region.extent(), 1));
  }
  return to_rgb(interleave(colors), region, 3, Alpha::kNone, background_);
}

PixelBlock BlockDecoder::decode_directory(const TiffDirectory& directory, int64_t index) const {
  const Region region = block_region(directory, index);
  const int channels = directory.samples;
  if (!directory.palette.empty()) {
    const Bytes indices = decode_plane(directory, index, region.extent(), channels);
    return to_rgb(look_up(indices, directory.palette), region, 3, Alpha::kNone, background_);
  }
  if (!directory.separate_planes) {
    return to_rgb(decode_plane(directory, index, region.extent(), channels), region, channels,
                  alpha_of(directory), background_);
  }
  std::vector<Bytes> planes;
  for (int c = 0; c < channels; ++c) {
    const int64_t block = index + c * directory.tile_rows() * directory.tile_cols();
    planes.push_back(decode_plane(directory, block, region.extent(), 1));
  }
  return to_rgb(interleave(planes), region, channels, alpha_of(directory), background_);
}

Bytes BlockDecoder::decode_plane(const TiffDirectory& directory, int64_t block,
                                 const Extent& extent, int channels) const {
  Bytes samples = decode_samples(directory, block, extent, channels);
  if (directory.photometric == PHOTOMETRIC_MINISWHITE) invert(samples);
  return samples;
}

Bytes BlockDecoder::decode_samples(const TiffDirectory& directory, int64_t block,
                                   const Extent& extent, int channels) const {
  if (directory.compression == COMPRESSION_JPEG) {
    return decode_jpeg_block(directory, block, extent, channels);
  }
  if (directory.is_jpeg2000()) return decode_jpeg2000_block(directory, block, extent, channels);
  return decode_libtiff_block(directory, block, static_cast<size_t>(extent.area() * channels));
}

Bytes BlockDecoder::decode_jpeg_block(const TiffDirectory& directory, int64_t block,
                                      const Extent& extent, int channels) const {
  const TiffBlock& where = directory.blocks[static_cast<size_t>(block)];
  const Bytes stream = file_.read(where.offset, where.size);
  JpegImage image =
      decode_jpeg(directory.jpeg_tables, stream, jpeg_color(directory), most_jpeg_pixels(extent));
  const Extent needed = visible_part(directory, block).extent();
  if (image.channels != channels || image.extent.rows < needed.rows ||
      image.extent.cols < needed.cols) {
    throw DataError(fmt::format("its JPEG stream has {} and {} channels where {} and {} belong",
                                to_string(image.extent), image.channels, to_string(needed),
                                channels));
  }
  return fit(std::move(image), extent);
}

/// Pixels beyond the image's edge are never seen.
Bytes BlockDecoder::decode_jpeg2000_block(const TiffDirectory& directory, int64_t block,
                                          const Extent& extent, int channels) const {
  const TiffBlock& where = directory.blocks[static_cast<size_t>(block)];
  const Bytes stream = file_.read(where.offset, where.size);
  Bytes samples(static_cast<size_t>(extent.area() * channels), 0);
  const SampleTarget target{samples.data(), visible_part(directory, block).extent(), channels,
                            static_cast<size_t>(extent.cols * channels)};
  decode_jpeg2000_into(stream, jpeg2000_color(directory), target, directory.tile);
  return samples;
}

Bytes BlockDecoder::decode_libtiff_block(const TiffDirectory& directory, int64_t block,
                                         size_t bytes) const {
  Bytes samples(bytes);
  std::unique_ptr<TiffHandle> handle = pool_.take(directory.offset);
  const auto index = static_cast<uint32_t>(block);
  const auto size = static_cast<tmsize_t>(bytes);
  const tmsize_t count = directory.tiled
                             ? TIFFReadEncodedTile(handle->get(), index, samples.data(), size)
                             : TIFFReadEncodedStrip(handle->get(), index, samples.data(), size);
  if (count != size) throw DataError(handle->error());
  pool_.give_back(std::move(handle));
  return samples;
}

}  // namespace untiled
