// The slides of a run with their pixels and labels, opened when they are needed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config/settings.h"
#include "app/pipeline/run_plan.h"
#include "data/cohort/cohort.h"
#include "data/slide/view.h"
#include "data/stain/slide_stains.h"
#include "lib/core/pixel_source.h"
#include "lib/streaming/tile_decoding.h"

namespace untiled {

/// A view of a slide file that is opened on the first read and can be closed again, so that a run
/// over many slides holds the decoder of one. Every later open finds the files of the first, or
/// throws DataError. Pixels are as data.stain has them; the view itself shows the file's.
/// Thread-safe.
class LazySlide : public PixelSource {
 public:
  LazySlide(std::filesystem::path path, const ViewOptions& options,
            const StainSettings& stain = {});
  ~LazySlide() override;

  const ViewInfo& info() const { return info_; }
  /// Facts of the slide as of when it was first opened, without its properties.
  const SlideInfo& slide() const { return slide_; }
  Extent extent() const override { return info_.extent; }
  int channels() const override { return 3; }
  PixelBlock read(const Region& region) const override;
  void read_into(const Region& region, const PixelTarget& target) const override;
  CellGrid cells() const override { return cells_; }
  std::shared_ptr<const SlideView> open() const;
  void close() const;
  /// Of a cell, as its file has it; pixels are those of the tile where data.stain changes none.
  StoredTile stored_tile(const Region& cell) const { return open()->stored_tile(cell); }
  /// To be called before pixels are read where data.stain normalises them: decodes the slide once,
  /// with so many threads, and keeps what it found. False where the slide has no stains, so that
  /// pixels stay as they are. Throws DataError, Interrupted.
  bool measure_stains(int workers) const;
  /// Readers open files again as they go: what was read is of the slide if it is still the same.
  /// Throws DataError.
  void require_unchanged() const;

 private:
  struct Handle;
  std::shared_ptr<const PixelSource> pixels() const;

  std::filesystem::path path_;
  ViewOptions options_;
  std::optional<filters::Stains> target_;
  std::unique_ptr<Handle> handle_;
  SlideInfo slide_;
  ViewInfo info_;
  CellGrid cells_;
};

/// Labels from a user's mask or GeoJSON, with the same life as a LazySlide. Thread-safe.
class LazyMask : public PixelSource {
 public:
  /// Opens the mask once to check it. Throws DataError.
  LazyMask(std::filesystem::path path, ViewInfo view, const Settings& settings);
  ~LazyMask() override;

  Extent extent() const override { return view_.extent; }
  int channels() const override { return 1; }
  PixelBlock read(const Region& region) const override;
  void close() const;
  /// Throws DataError when the file is another one than at first.
  void require_unchanged() const;

 private:
  struct Handle;
  std::shared_ptr<const PixelSource> open() const;

  std::filesystem::path path_;
  ViewInfo view_;
  std::vector<ClassSettings> classes_;
  int ignore_;
  LabelSettings labels_;
  int64_t budget_bytes_;
  std::unique_ptr<Handle> handle_;
};

/// One slide of a run.
struct SlideInput {
  CohortEntry entry;
  std::string id;  ///< Full file name, unique in the run; see slide_ids.
  std::shared_ptr<const LazySlide> slide;
  std::shared_ptr<const PixelSource> pixels;  ///< Behind the cache.
  TileDecoding decoding;                      ///< Of `pixels`, where not they decode them.
  std::shared_ptr<const PixelSource> labels;
  std::shared_ptr<const LazyMask> mask;  ///< `labels`, where they are a user's mask.

  /// Frees what is only needed while the slide is worked on.
  void close() const;
  /// Throws DataError when the slide or its mask is another file than when the run began.
  void require_unchanged() const;
};

struct SlideSets {
  std::vector<SlideInput> training;
  std::vector<SlideInput> validation;
};

/// How the settings and a manifest's row view a slide.
ViewOptions view_options(const Settings& settings, const CohortEntry& entry);

/// Opens every slide once. With run.deidentify, ids are hashes of the slides' fingerprints. Throws
/// DataError, Interrupted.
SlideSets open_slides(const Settings& settings, const Cohort& cohort);

/// What a slide's reader holds while windows of pixels are filled from `source`; `reader_bytes` is
/// the most that it may hold, its cache of tiles of the default size included.
int64_t reading_bytes(const PixelSource& source, int64_t reader_bytes);

/// A slide's pixels as a model sees them.
struct SeenPixels {
  std::shared_ptr<const PixelSource> pixels;
  bool lacks_stains = false;  ///< They should have been normalised and could not.
};

/// Those of `view`, which is of `reader`, as settings.data.stain has them. Throws ConfigError (a
/// budget that is too small), DataError, Interrupted.
SeenPixels see_pixels(const Settings& settings, const CohortEntry& entry,
                      std::shared_ptr<const SlideReader> reader,
                      std::shared_ptr<const SlideView> view);

/// Tells what a slide's stains are, where settings.data.stain asks for it, with as many threads as
/// memory_budget has room for; a slide without any is warned of by the name `id`. Throws
/// ConfigError (a budget that is too small), DataError, Interrupted.
void measure_stains(const Settings& settings, const LazySlide& slide, const std::string& id);

/// The same of each slide of a run, by `workers` threads. Throws DataError, Interrupted.
void measure_all_stains(const Settings& settings, const SlideSets& sets, int workers);

/// What a slide's reader, mask and labels take. Throws DataError.
SlideSize size_of(const Settings& settings, const SlideInput& input);
std::vector<SlideSize> sizes_of(const Settings& settings, const std::vector<SlideInput>& inputs);

/// Makes the tissue labels of a slide or checks its mask. Throws DataError.
void make_labels(const Settings& settings, SlideInput& input);

/// Opens masks and annotations of the first slides, as long as their files are small together, so
/// that what is wrong with them is said before a run. Throws DataError.
void check_small_masks(const Settings& settings, const SlideSets& sets);

/// Puts the slides' pixels behind the cache that plan_run chose.
void put_behind_cache(const Settings& settings, CacheMode cache, std::vector<SlideInput>& slides);

}  // namespace untiled
