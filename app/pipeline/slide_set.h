// The slides of a run with their pixels and labels, opened when they are needed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/cohort/cohort.h"
#include "data/slide/view.h"
#include "lib/config/settings.h"
#include "lib/core/pixel_source.h"

namespace untiled {

/// A view of a slide file that is opened on the first read and can be closed again, so that a run
/// over many slides holds the decoder of one. Thread-safe.
class LazySlide : public PixelSource {
 public:
  LazySlide(std::filesystem::path path, const ViewOptions& options);
  ~LazySlide() override;

  const ViewInfo& info() const { return info_; }
  /// Facts of the slide as of when it was first opened.
  const SlideInfo& slide() const { return slide_; }
  Extent extent() const override { return info_.extent; }
  int channels() const override { return 3; }
  PixelBlock read(const Region& region) const override;
  std::shared_ptr<const SlideView> open() const;
  void close() const;

 private:
  struct Handle;
  std::filesystem::path path_;
  ViewOptions options_;
  std::unique_ptr<Handle> handle_;
  SlideInfo slide_;
  ViewInfo info_;
};

/// One slide of a run.
struct SlideInput {
  CohortEntry entry;
  std::string id;  ///< Full file name, unique in the run.
  std::shared_ptr<const LazySlide> slide;
  std::shared_ptr<const PixelSource> pixels;  ///< Behind the cache.
  std::shared_ptr<const PixelSource> labels;
};

/// How the settings and a manifest's row view a slide.
ViewOptions view_options(const Settings& settings, const CohortEntry& entry);

/// Opens every slide once. Throws DataError.
std::vector<SlideInput> open_slides(const Settings& settings,
                                    const std::vector<CohortEntry>& entries);

/// Makes or opens the labels of a slide. Throws DataError.
std::shared_ptr<const PixelSource> make_labels(const Settings& settings, const SlideInput& input);

/// Resolves data.cache for all slides together, with `room_bytes` of the budget free, and puts
/// the slides' pixels behind it. Returns the mode and the bytes that it holds.
struct CacheChoice {
  CacheMode mode = CacheMode::kNone;
  int64_t resident_bytes = 0;
};
CacheChoice choose_cache(const Settings& settings, const std::vector<SlideInput>& slides,
                         int64_t room_bytes);
void put_behind_cache(const Settings& settings, const CacheChoice& cache,
                      std::vector<SlideInput>& slides);

/// Bytes that reading one of these slides holds: its decoder's and the loader's queue.
int64_t reading_bytes(const Settings& settings, const std::vector<SlideInput>& slides);

}  // namespace untiled
