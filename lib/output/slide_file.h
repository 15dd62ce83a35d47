// One of the files that are written of a slide's mask: the face of all formats.
#pragma once

#include <algorithm>
#include <any>
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
#include "lib/output/bigtiff_writer.h"
#include "lib/output/mask_facts.h"
#include "lib/output/mask_rows.h"

namespace untiled {

struct OutputOptions {
  std::set<OutputFormat> formats = {OutputFormat::kPng};
  /// Mask pixels per PNG pixel a side; none: the least that a PNG can hold.
  std::optional<int64_t> png_downsample;
  double tolerance = 0.5;  ///< Of GeoJSON's borders, in mask pixels.
  SampleType probability_type = SampleType::kUint8;

  bool wants(OutputFormat format) const { return formats.contains(format); }
  bool want_probabilities() const {
    return std::any_of(formats.begin(), formats.end(), needs_probabilities);
  }
};

/// A tile of a mask as it comes from whoever computed it.
struct MaskTile {
  Region region;
  std::span<const uint8_t> classes;  ///< Indices, or kIgnoredLabel; by row.
  std::span<const float>
      probabilities;  ///< Classes x rows x columns; empty where nobody wants them.
};

/// A file takes tiles as they are computed or the mask's rows from the top down, whichever suits
/// it. It appears under its name at `finish`, whole or not at all. All throw DataError (a full
/// disk, say).
class SlideFile {
 public:
  virtual ~SlideFile() = default;

  /// What of a tile can be made in any thread and order; `add` gets it in the order of tiles.
  virtual std::any encode(const MaskTile& /*tile*/) const { return {}; }
  virtual void add(const std::any& /*encoded*/) {}
  virtual void add_row(const MaskRow& /*row*/) {}
  /// After the last tile and row.
  virtual void finish() = 0;

  /// Bytes that are held for rows of tiles, about.
  virtual int64_t held_bytes() const { return 0; }
  /// Polygons so far; none where the file has none.
  virtual std::optional<int64_t> objects() const { return std::nullopt; }
};

/// What the files of one slide are made from.
struct SlideFileWish {
  const std::string& id;  ///< The slide's name in files.
  const MaskFacts& facts;
  const OutputOptions& options;
  /// Path of the file of a format, which is noted as one of the slide's.
  std::function<std::filesystem::path(OutputFormat)> path;
};

/// Mask pixels per pixel of the PNG.
int64_t png_downsample(const MaskFacts& facts, const OutputOptions& options);

/// The files of all formats that are wanted, but for the preview. Throws DataError, ConfigError (a
/// PNG that nobody could read, two formats of one name).
std::vector<std::unique_ptr<SlideFile>> make_slide_files(const SlideFileWish& wish);

}  // namespace untiled
