// Masks and probabilities as OME-Zarr images: folders of chunks with a pyramid.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "lib/core/atomic_folder.h"
#include "lib/output/bigtiff_writer.h"
#include "lib/output/mask_facts.h"
#include "lib/zarr/ome_image_writer.h"

namespace untiled {

/// An OME-Zarr image under its final name after `finish`, and no folder without. Tiles are those
/// of kTile, written from any thread in any order.
class OmeZarrFolder {
 public:
  static constexpr int64_t kTile = 512;

  /// Throws DataError when the folder cannot be made.
  OmeZarrFolder(const std::filesystem::path& path, const OmeZarrImage& image);

  /// Interleaved elements of a tile. Throws DataError (a full disk, say).
  void write(const Region& tile, const void* elements, int64_t row_bytes) {
    writer_.write_tile(tile, elements, row_bytes);
  }
  void finish();

 private:
  AtomicFolder folder_;
  OmeImageWriter writer_;
};

/// <id>.mask.ome.zarr: file_values of the classes as an image of labels, with the classes' names
/// and colours; the levels are never averaged. Chunks of zeros have no file.
class MaskZarr {
 public:
  MaskZarr(const std::filesystem::path& path, const MaskFacts& facts, OmeVersion version,
           const std::string& name);

  /// The class indices of one tile. Any thread, any order. Throws DataError.
  void write(const Region& tile, std::span<const uint8_t> classes);
  void finish() { image_.finish(); }

 private:
  std::array<uint8_t, 256> values_;
  OmeZarrFolder image_;
};

/// <id>.probability.ome.zarr: a channel a class, round(255 p) or float32.
class ProbabilityZarr {
 public:
  ProbabilityZarr(const std::filesystem::path& path, const MaskFacts& facts, SampleType type,
                  const std::string& name);

  /// Classes x rows x columns of one tile. Any thread, any order. Throws DataError for a value that
  /// is not finite as well.
  void write(const Region& tile, std::span<const float> probabilities);
  void finish() { image_.finish(); }

 private:
  std::filesystem::path path_;
  SampleType type_;
  int channels_;
  OmeZarrFolder image_;
};

}  // namespace untiled
