// The one list of formats, and what turns each of their writers into a SlideFile.
#include <algorithm>
#include <utility>

#include "lib/core/error.h"
#include "lib/output/mask_geojson.h"
#include "lib/output/mask_png.h"
#include "lib/output/mask_tiff.h"
#include "lib/output/mask_zarr.h"
#include "lib/output/probability_tiff.h"
#include "lib/output/slide_file.h"

namespace untiled {
namespace {

using FilePtr = std::unique_ptr<SlideFile>;

/// Bytes of a row of tiles of one plane.
int64_t band_bytes(const MaskFacts& facts) { return TilePyramid::kTile * facts.extent.cols; }

int class_count(const MaskFacts& facts) {
  return std::max<int>(1, static_cast<int>(facts.classes.size()));
}

class PngFile : public SlideFile {
 public:
  explicit PngFile(const SlideFileWish& wish)
      : downsample_(png_downsample(wish.facts, wish.options)),
        png_(wish.path(OutputFormat::kPng), reduced(wish.facts, downsample_)),
        rows_(wish.facts.extent, downsample_, label_count(wish.facts),
              [this](std::span<const uint8_t> row) { png_.write_rows(row); }) {}

  void add_row(const MaskRow& row) override { rows_.add(row); }
  void finish() override { png_.finish(); }

 private:
  int64_t downsample_;
  MaskPngWriter png_;
  MaskReducer rows_;
};

/// Both kinds of TIFF: they have the same compressed tiles, which are made once.
class TiffFiles : public SlideFile {
 public:
  explicit TiffFiles(const SlideFileWish& wish) : band_(band_bytes(wish.facts)) {
    for (const auto& [format, kind] : {std::pair{OutputFormat::kOmeTiff, MaskTiffKind::kOme},
                                       std::pair{OutputFormat::kTiff, MaskTiffKind::kGeneric}}) {
      if (!wish.options.wants(format)) continue;
      files_.push_back(std::make_unique<MaskTiff>(wish.path(format), wish.facts, kind, wish.id));
    }
  }

  std::any encode(const MaskTile& tile) const override {
    return files_.front()->encode(tile.region, tile.classes);
  }
  void add(const std::any& encoded) override {
    for (const auto& file : files_) file->write(std::any_cast<MaskTiff::EncodedTile>(encoded));
  }
  void finish() override {
    for (const auto& file : files_) file->finish();
  }
  /// A level's bands are 1/4, 1/16, ... as wide.
  int64_t held_bytes() const override { return static_cast<int64_t>(files_.size()) * band_ / 3; }

 private:
  int64_t band_;
  std::vector<std::unique_ptr<MaskTiff>> files_;
};

class GeoJsonFile : public SlideFile {
 public:
  explicit GeoJsonFile(const SlideFileWish& wish)
      : file_(wish.path(OutputFormat::kGeoJson), wish.facts, wish.id, wish.options.tolerance) {}

  void add_row(const MaskRow& row) override { file_.write_row(row); }
  void finish() override { file_.finish(); }
  std::optional<int64_t> objects() const override { return file_.objects(); }

 private:
  MaskGeoJson file_;
};

ProbabilityTiffOptions tiff_options(const SlideFileWish& wish) {
  return {.extent = wish.facts.extent,
          .classes = class_count(wish.facts),
          .type = wish.options.probability_type,
          .scale = wish.facts.scale};
}

class ProbabilityTiffFile : public SlideFile {
 public:
  explicit ProbabilityTiffFile(const SlideFileWish& wish)
      : held_(class_count(wish.facts) * band_bytes(wish.facts) / 3),
        file_(wish.path(OutputFormat::kProbability), tiff_options(wish)) {}

  std::any encode(const MaskTile& tile) const override {
    return file_.encode(file_.index_of(tile.region), tile.probabilities);
  }
  void add(const std::any& encoded) override {
    file_.write(std::any_cast<ProbabilityTiff::EncodedTile>(encoded));
  }
  void finish() override { file_.finish(); }
  int64_t held_bytes() const override { return held_; }

 private:
  int64_t held_;
  ProbabilityTiff file_;
};

OmeVersion ome_version(const OutputOptions& options) {
  const bool is_05 = options.wants(OutputFormat::kOmeZarr);
  if (is_05 && options.wants(OutputFormat::kOmeZarr04)) {
    throw ConfigError(
        "--format: ome-zarr and ome-zarr-0.4 are folders of one name; choose one of them");
  }
  return is_05 ? OmeVersion::k05 : OmeVersion::k04;
}

/// Of Zarr half a row of tiles is held, a quarter, ..., and as much again that is encoded. Chunks
/// are written as soon as they are there, from any thread.
class ZarrFile : public SlideFile {
 public:
  explicit ZarrFile(const SlideFileWish& wish)
      : held_(2 * band_bytes(wish.facts)),
        version_(ome_version(wish.options)),
        file_(wish.path(version_ == OmeVersion::k05 ? OutputFormat::kOmeZarr
                                                    : OutputFormat::kOmeZarr04),
              wish.facts, version_, wish.id) {}

  std::any encode(const MaskTile& tile) const override {
    file_.write(tile.region, tile.classes);
    return {};
  }
  void finish() override { file_.finish(); }
  int64_t held_bytes() const override { return held_; }

 private:
  int64_t held_;
  OmeVersion version_;
  mutable MaskZarr file_;  ///< Its `write` may be called from any thread.
};

class ProbabilityZarrFile : public SlideFile {
 public:
  explicit ProbabilityZarrFile(const SlideFileWish& wish)
      : held_(int64_t{8} * class_count(wish.facts) * band_bytes(wish.facts)),
        file_(wish.path(OutputFormat::kProbabilityOmeZarr), wish.facts,
              wish.options.probability_type, wish.id) {}

  std::any encode(const MaskTile& tile) const override {
    file_.write(tile.region, tile.probabilities);
    return {};
  }
  void finish() override { file_.finish(); }
  int64_t held_bytes() const override { return held_; }

 private:
  int64_t held_;
  mutable ProbabilityZarr file_;  ///< Its `write` may be called from any thread.
};

template <typename File>
FilePtr make(const SlideFileWish& wish) {
  return std::make_unique<File>(wish);
}

struct Maker {
  std::vector<OutputFormat> formats;  ///< Of which any makes the file wanted.
  FilePtr (*make)(const SlideFileWish&);
};

const std::vector<Maker>& makers() {
  static const std::vector<Maker> all = {
      {{OutputFormat::kPng}, make<PngFile>},
      {{OutputFormat::kOmeTiff, OutputFormat::kTiff}, make<TiffFiles>},
      {{OutputFormat::kGeoJson}, make<GeoJsonFile>},
      {{OutputFormat::kProbability}, make<ProbabilityTiffFile>},
      {{OutputFormat::kOmeZarr, OutputFormat::kOmeZarr04}, make<ZarrFile>},
      {{OutputFormat::kProbabilityOmeZarr}, make<ProbabilityZarrFile>},
  };
  return all;
}

}  // namespace

int64_t png_downsample(const MaskFacts& facts, const OutputOptions& options) {
  return options.png_downsample.value_or(least_png_downsample(facts.extent));
}

std::vector<FilePtr> make_slide_files(const SlideFileWish& wish) {
  std::vector<FilePtr> files;
  for (const Maker& maker : makers()) {
    const bool is_wanted =
        std::any_of(maker.formats.begin(), maker.formats.end(),
                    [&](OutputFormat format) { return wish.options.wants(format); });
    if (is_wanted) files.push_back(maker.make(wish));
  }
  return files;
}

}  // namespace untiled
