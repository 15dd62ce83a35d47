// All files of one slide's mask, made in one pass over its tiles.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lib/core/output_format.h"
#include "lib/output/mask_facts.h"
#include "lib/output/mask_geojson.h"
#include "lib/output/mask_png.h"
#include "lib/output/mask_rows.h"
#include "lib/output/mask_tiff.h"
#include "lib/output/mask_zarr.h"
#include "lib/output/preview.h"
#include "lib/output/probability_tiff.h"

namespace untiled {

struct OutputOptions {
  std::set<OutputFormat> formats = {OutputFormat::kPng};
  /// Mask pixels per PNG pixel a side; none: the least that a PNG can hold.
  std::optional<int64_t> png_downsample;
  double tolerance = 0.5;  ///< Of GeoJSON's borders, in mask pixels.
  SampleType probability_type = SampleType::kUint8;

  bool wants(OutputFormat format) const { return formats.contains(format); }
};

/// Tiles of kTile are encoded in any thread and order, and added in the order of `tiles`. All files
/// are put in place by `finish`, or none. Memory is a row of tiles and what GeoJSON says.
class SlideOutputs {
 public:
  static constexpr int64_t kTile = TilePyramid::kTile;

  struct EncodedTile {
    Region region;
    std::shared_ptr<const Bytes> classes;
    std::optional<TilePyramid::EncodedTile> ome_tiff;
    std::optional<TilePyramid::EncodedTile> tiff;
    std::optional<TilePyramid::EncodedTile> probability;
  };

  /// Files are named folder / (id + ending_of(format)). Throws DataError, ConfigError (a PNG that
  /// nobody could read, two formats of one name).
  SlideOutputs(const std::filesystem::path& folder, const std::string& id, const MaskFacts& facts,
               const OutputOptions& options);
  ~SlideOutputs();

  /// Squares anchored at the origin, row by row, the last ones cut.
  std::vector<Region> tiles() const;
  /// `probabilities` (classes x rows x cols) where they are wanted, else empty. Each tile once:
  /// Zarr's chunks are written here. Throws DataError.
  EncodedTile encode(const Region& tile, std::shared_ptr<const Bytes> classes,
                     std::span<const float> probabilities = {}) const;
  /// One thread at a time, in the order of `tiles`. Throws DataError (a full disk, say).
  void add(EncodedTile tile);
  /// After the last tile. `thumbnail` of the slide, for the preview; its outline is drawn by the
  /// mask. Throws DataError.
  void finish(const Picture& thumbnail);

  /// Bytes that are held for rows of tiles, about.
  int64_t held_bytes() const;
  const std::vector<std::filesystem::path>& files() const { return files_; }
  const MaskFacts& facts() const { return facts_; }
  bool wants(OutputFormat format) const { return formats_.contains(format); }
  /// Whether any format needs them.
  bool wants_probabilities() const {
    return wants(OutputFormat::kProbability) || wants(OutputFormat::kProbabilityOmeZarr);
  }
  /// Of the PNG, in mask pixels; 1 without one.
  int64_t png_downsample() const { return png_downsample_; }
  /// Polygons; none where no GeoJSON was made.
  std::optional<int64_t> objects() const;
  /// Pixels of each class index and, at kIgnoredLabel, of those without data.
  const std::array<int64_t, 256>& pixels() const { return pixels_; }
  /// The thumbnail with the mask's borders drawn on it.
  Picture outlined(Picture thumbnail) const;

 private:
  using NamedFile = std::function<std::filesystem::path(OutputFormat)>;

  void make_zarr(const NamedFile& file, const std::string& id, const OutputOptions& options);
  void add_row(const MaskRow& row);

  MaskFacts facts_;
  std::set<OutputFormat> formats_;
  std::vector<std::filesystem::path> files_;
  std::filesystem::path preview_file_;
  std::unique_ptr<MaskPngWriter> png_;
  std::optional<MaskReducer> png_rows_;
  std::unique_ptr<MaskTiff> ome_tiff_;
  std::unique_ptr<MaskTiff> tiff_;
  std::unique_ptr<MaskGeoJson> geojson_;
  std::unique_ptr<ProbabilityTiff> probability_;
  std::unique_ptr<MaskZarr> zarr_;
  std::unique_ptr<ProbabilityZarr> probability_zarr_;
  std::optional<MaskReducer> small_rows_;
  Extent small_extent_;
  std::vector<uint8_t> small_;  ///< The mask at a size for pictures.
  std::array<int64_t, 256> pixels_{};
  int64_t png_downsample_ = 1;
  TileRows rows_;
};

}  // namespace untiled
