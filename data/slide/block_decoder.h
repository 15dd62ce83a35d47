// Decodes the tiles and strips of a TIFF. JPEG goes straight to libjpeg and JPEG 2000 to OpenJPEG,
// with the file read by position; everything else through libtiff.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "data/slide/reader.h"
#include "data/slide/tiff_handle.h"
#include "data/slide/tiff_pyramid.h"
#include "lib/core/pixel_source.h"

namespace untiled {

/// A file that is read by position. Any thread.
class PositionedFile {
 public:
  /// Throws DataError.
  explicit PositionedFile(const std::filesystem::path& path);
  ~PositionedFile();
  PositionedFile(const PositionedFile&) = delete;
  PositionedFile& operator=(const PositionedFile&) = delete;

  uint64_t size() const;
  /// `size` bytes from `offset`. Throws DataError when the file ends before them.
  Bytes read(uint64_t offset, uint64_t size) const;
  /// The bytes from `offset` on into these places, one after another. Throws likewise.
  void read_into(uint64_t offset, std::span<const iovec> places) const;

 private:
  size_t read_some(uint8_t* to, size_t size, uint64_t offset) const;

  int descriptor_;
};

/// Where tile or strip `index` (row by row) lies in its image. Tiles may reach beyond the image's
/// edge; the last strip ends with it.
Region block_region(const TiffDirectory& directory, int64_t index);

/// Compressed tiles that turned out to hold one colour: scanners write the same few bytes for every
/// piece of empty glass. What bytes mean depends on the tables of their directory. Any thread.
class PlainTiles {
 public:
  /// Longer streams are not worth it, and 64 of these take half a MiB.
  static constexpr size_t kMostBytes = 8192;

  /// The colour of a stream of the directory at that offset, if it was remembered.
  std::optional<Rgb> find(uint64_t directory, std::span<const uint8_t> stream) const;
  void remember(uint64_t directory, std::span<const uint8_t> stream, const Rgb& color);
  size_t size() const;

 private:
  using Colors = std::map<std::string, Rgb, std::less<>>;
  mutable std::mutex mutex_;
  std::map<uint64_t, Colors> colors_;
  size_t size_ = 0;
};

/// Any thread.
class BlockDecoder {
 public:
  BlockDecoder(const std::filesystem::path& path, const Rgb& background)
      : file_(path), pool_(path), background_(background) {}

  /// The tile or strip `index` (row by row) of `level`, at its block_region; one without data is
  /// missing. Throws DataError with the reason, which names no file.
  PixelBlock decode(const TiffLevel& level, int64_t index) const;

  /// The same pixels, as far as the level reaches, into the place that they have in `onto`, which
  /// must hold them all. Colours in JPEG and JPEG 2000 go there without a copy.
  void decode_into(const TiffLevel& level, int64_t index, const PixelTarget& onto) const;

  /// The tile as the file has it, without its path; kOther for what has several planes, no data or
  /// another form. Throws DataError with the reason.
  StoredTile stored(const TiffLevel& level, int64_t index) const;

  const PlainTiles& plain_tiles() const { return plain_; }

 private:
  void read_rgb_rows(const TiffDirectory& directory, const TiffBlock& where, const Region& block,
                     const Region& part, const PixelTarget& onto) const;
  void read_rgb_rows_by_way_of_cache(const TiffBlock& where, const Region& block,
                                     const Region& part, const PixelTarget& onto) const;
  void decode_rgb_stream(const TiffLevel& level, int64_t index, const PixelTarget& onto) const;
  PixelBlock decode_directory(const TiffDirectory& directory, int64_t index) const;
  Bytes decode_plane(const TiffDirectory& directory, int64_t block, const Extent& extent,
                     int channels) const;
  Bytes decode_samples(const TiffDirectory& directory, int64_t block, const Extent& extent,
                       int channels) const;
  Bytes decode_jpeg_block(const TiffDirectory& directory, int64_t block, const Extent& extent,
                          int channels) const;
  Bytes decode_jpeg2000_block(const TiffDirectory& directory, int64_t block, const Extent& extent,
                              int channels) const;
  Bytes decode_libtiff_block(const TiffDirectory& directory, int64_t block, size_t bytes) const;

  PositionedFile file_;
  TiffPool pool_;
  Rgb background_;
  mutable PlainTiles plain_;
};

}  // namespace untiled
