// All files of one slide's mask, made in one pass over its tiles.
#pragma once

#include <any>
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lib/output/mask_facts.h"
#include "lib/output/mask_rows.h"
#include "lib/output/preview.h"
#include "lib/output/slide_file.h"
#include "lib/output/tile_pyramid.h"

namespace untiled {

/// Tiles of kTile are encoded in any thread and order, and added in the order of `tiles`. All files
/// are put in place by `finish`, or none. Memory is a row of tiles and what GeoJSON says.
class SlideOutputs {
 public:
  static constexpr int64_t kTile = TilePyramid::kTile;

  struct EncodedTile {
    Region region;
    std::shared_ptr<const Bytes> classes;
    std::vector<std::any> parts;  ///< By file.
  };

  /// Files are named folder / (id + ending_of(format)). Throws DataError, ConfigError (a PNG that
  /// nobody could read, two formats of one name).
  SlideOutputs(const std::filesystem::path& folder, const std::string& id, const MaskFacts& facts,
               const OutputOptions& options);
  ~SlideOutputs();

  /// Squares anchored at the origin, row by row, the last ones cut.
  std::vector<Region> tiles() const;
  /// `probabilities` (classes x rows x cols) where they are wanted, else empty. Each tile once, for
  /// some files are written here. Throws DataError.
  EncodedTile encode(const Region& tile, std::shared_ptr<const Bytes> classes,
                     std::span<const float> probabilities = {}) const;
  /// One thread at a time, in the order of `tiles`. Throws DataError (a full disk, say).
  void add(const EncodedTile& tile);
  /// After the last tile. `thumbnail` of the slide, for the preview; its outline is drawn by the
  /// mask. Throws DataError.
  void finish(const Picture& thumbnail);

  /// Bytes that are held for rows of tiles, about.
  int64_t held_bytes() const;
  const std::vector<std::filesystem::path>& files() const { return paths_; }
  const MaskFacts& facts() const { return facts_; }
  bool wants(OutputFormat format) const { return formats_.contains(format); }
  /// Of the PNG, in mask pixels; 1 without one.
  int64_t png_downsample() const { return png_downsample_; }
  /// Polygons; none where no GeoJSON was made.
  std::optional<int64_t> objects() const;
  /// Pixels of each class index and, at kIgnoredLabel, of those without data.
  const std::array<int64_t, 256>& pixels() const { return pixels_; }
  /// The thumbnail with the mask's borders drawn on it.
  Picture outlined(Picture thumbnail) const;

 private:
  void add_row(const MaskRow& row);

  MaskFacts facts_;
  std::set<OutputFormat> formats_;
  std::vector<std::filesystem::path> paths_;
  std::filesystem::path preview_path_;
  std::vector<std::unique_ptr<SlideFile>> files_;
  std::optional<MaskReducer> small_rows_;
  Extent small_extent_;
  std::vector<uint8_t> small_;  ///< The mask at a size for pictures.
  std::array<int64_t, 256> pixels_{};
  int64_t png_downsample_ = 1;
  TileRows rows_;
};

}  // namespace untiled
