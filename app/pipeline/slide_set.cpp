#include "app/pipeline/slide_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "data/loader/cache.h"
#include "data/slide/reader.h"
#include "data/tissue/label_map.h"
#include "data/tissue/mask_file.h"
#include "data/tissue/tissue_labels.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/output/slide_ids.h"

namespace untiled {

struct LazySlide::Handle {
  std::mutex mutex;
  std::shared_ptr<const SlideView> view;
};

LazySlide::LazySlide(std::filesystem::path path, const ViewOptions& options)
    : path_(std::move(path)), options_(options), handle_(std::make_unique<Handle>()) {
  const auto view = open();
  slide_ = view->reader().info();
  info_ = view->info();
}

LazySlide::~LazySlide() = default;

std::shared_ptr<const SlideView> LazySlide::open() const {
  const std::lock_guard lock(handle_->mutex);
  if (!handle_->view) handle_->view = make_view(open_slide(path_), options_);
  return handle_->view;
}

void LazySlide::close() const {
  const std::lock_guard lock(handle_->mutex);
  handle_->view.reset();
}

PixelBlock LazySlide::read(const Region& region) const { return open()->read(region); }

ViewOptions view_options(const Settings& settings, const CohortEntry& entry) {
  ViewOptions options{.level = settings.data.level, .mpp = settings.data.mpp};
  options.stated_mpp = entry.mpp;
  options.assume_mpp = settings.data.assume_mpp;
  options.origin = settings.data.origin;
  options.crop_level0 = entry.region;
  return options;
}

std::vector<SlideInput> open_slides(const Settings& settings,
                                    const std::vector<CohortEntry>& entries) {
  std::vector<std::filesystem::path> paths;
  paths.reserve(entries.size());
  for (const CohortEntry& entry : entries) paths.push_back(entry.path);
  const std::vector<std::string> ids = slide_ids(paths);
  std::vector<SlideInput> slides;
  for (size_t i = 0; i < entries.size(); ++i) {
    SlideInput input{.entry = entries[i], .id = ids[i]};
    input.slide = std::make_shared<LazySlide>(entries[i].path, view_options(settings, entries[i]));
    for (const std::string& warning : input.slide->slide().warnings) {
      warn(fmt::format("{}: {}", input.id, warning));
    }
    input.pixels = input.slide;
    input.slide->close();
    slides.push_back(std::move(input));
  }
  return slides;
}

std::shared_ptr<const PixelSource> make_labels(const Settings& settings, const SlideInput& input) {
  const ViewInfo& view = input.slide->info();
  if (!input.entry.mask.empty()) {
    return open_mask(input.entry.mask, view, settings.data.classes, settings.data.ignore);
  }
  if (settings.labels.method == LabelMethod::kMask) {
    throw DataError(fmt::format("{}: labels.method is mask, but the manifest names no mask for it",
                                input.entry.path.string()));
  }
  if (settings.data.classes.size() > 1) {
    throw ConfigError(fmt::format(
        "{}: labels.method otsu tells one class, tissue, from the rest, but data.classes names {}; "
        "give masks in a manifest",
        input.entry.path.string(), settings.data.classes.size()));
  }
  TissueOptions options{.labels = settings.labels};
  options.stated_mpp = input.entry.mpp;
  options.assume_mpp = settings.data.assume_mpp;
  options.origin = settings.data.origin;
  options.threads = settings.threads;
  const auto reader = open_slide(input.entry.path);
  TissueLabels labels = label_tissue(reader, options);
  for (const std::string& warning : labels.tissue.warnings) {
    warn(fmt::format("{}: label: {}", input.id, warning));
  }
  if (!labels.tissue.empty_reason.empty()) {
    warn(fmt::format("{}: the label is empty: {}", input.id, labels.tissue.empty_reason));
  }
  return make_label_source(std::move(labels.map), view);
}

CacheChoice choose_cache(const Settings& settings, const std::vector<SlideInput>& slides,
                         int64_t room_bytes) {
  constexpr int kRgb = 3;
  const auto resident = [&](CacheMode mode) {
    int64_t bytes = 0;
    for (const SlideInput& s : slides) {
      bytes += cache_footprint(mode, s.slide->extent(), kRgb).resident_bytes;
    }
    return bytes;
  };
  CacheMode mode = settings.data.cache;
  if (mode == CacheMode::kAuto) {
    mode = resident(CacheMode::kRam) <= room_bytes ? CacheMode::kRam : CacheMode::kNone;
  }
  return {mode, resident(mode)};
}

void put_behind_cache(const Settings& settings, const CacheChoice& cache,
                      std::vector<SlideInput>& slides) {
  for (SlideInput& s : slides) {
    s.pixels = make_cached(s.slide, cache.mode, {.scratch = settings.run.scratch});
  }
}

int64_t reading_bytes(const Settings& settings, const std::vector<SlideInput>& slides) {
  int64_t held = 0;
  for (const SlideInput& s : slides) held = std::max(held, s.slide->slide().held_bytes);
  return held + (settings.data.workers > 0 ? settings.data.queue_bytes : 0);
}

}  // namespace untiled
