#include "app/pipeline/slide_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>
#include <optional>

#include "data/cohort/slide_ids.h"
#include "data/loader/cache.h"
#include "data/slide/file_kind.h"
#include "data/slide/fingerprint.h"
#include "data/slide/png_image.h"
#include "data/slide/reader.h"
#include "data/stain/normalised_source.h"
#include "data/tissue/annotations.h"
#include "data/tissue/label_map.h"
#include "data/tissue/mask_file.h"
#include "data/tissue/tissue_labels.h"
#include "lib/core/error.h"
#include "lib/core/parallel.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

/// Labels of slides of unknown scale are made at 1/16.
constexpr double kUnknownScaleDownsample = 16.0;
/// Decoded parts of a mask that is read by parts, about.
constexpr int64_t kMaskPartBytes = 32 << 20;

}  // namespace

struct LazySlide::Handle {
  std::mutex mutex;
  std::shared_ptr<const SlideView> view;
  std::shared_ptr<const PixelSource> pixels;  ///< The view, or what normalises it.
  std::optional<FileIdentity> identity;       ///< Of the first open.
  std::mutex measuring;
  std::atomic<bool> is_measured = false;
  std::optional<filters::Stains> stains;  ///< The slide's own, once they are measured.
};

LazySlide::LazySlide(std::filesystem::path path, const ViewOptions& options,
                     const StainSettings& stain)
    : path_(std::move(path)),
      options_(options),
      target_(target_stains(stain)),
      handle_(std::make_unique<Handle>()) {
  const auto view = open();
  slide_ = view->reader().info();
  slide_.properties = {};  // Thousands of slides have one of these each.
  info_ = view->info();
  cells_ = view->cells();  // Planning asks for these: no slide is opened again for them.
}

LazySlide::~LazySlide() = default;

std::shared_ptr<const SlideView> LazySlide::open() const {
  const std::lock_guard lock(handle_->mutex);
  if (handle_->view) return handle_->view;
  auto view = make_view(open_slide(path_), options_);
  if (handle_->identity) {
    handle_->identity->require_unchanged();
  } else {
    handle_->identity.emplace(view->reader().info().files);
  }
  handle_->view = std::move(view);
  return handle_->view;
}

void LazySlide::require_unchanged() const { handle_->identity->require_unchanged(); }

void LazySlide::close() const {
  const std::lock_guard lock(handle_->mutex);
  handle_->view.reset();
  handle_->pixels.reset();
}

bool LazySlide::measure_stains(int workers) const {
  if (!target_) return true;
  const std::lock_guard lock(handle_->measuring);
  if (!handle_->is_measured) {
    handle_->stains = slide_stains(open_slide(path_), options_, workers);
    require_unchanged();
    handle_->is_measured = true;
  }
  return handle_->stains.has_value();
}

std::shared_ptr<const PixelSource> LazySlide::pixels() const {
  auto view = open();
  if (!target_) return view;
  if (!handle_->is_measured) {
    throw InternalError(fmt::format("{} is read before its stains are known", path_.string()));
  }
  const std::lock_guard lock(handle_->mutex);
  if (!handle_->pixels) {
    handle_->pixels = handle_->stains ? make_normalised(view, *handle_->stains, *target_) : view;
  }
  return handle_->pixels;
}

PixelBlock LazySlide::read(const Region& region) const { return pixels()->read(region); }

void LazySlide::read_into(const Region& region, const PixelTarget& target) const {
  pixels()->read_into(region, target);
}

struct LazyMask::Handle {
  explicit Handle(const std::filesystem::path& path) : identity({path}) {}

  FileIdentity identity;  ///< Of when the run began.
  std::mutex mutex;
  std::shared_ptr<const PixelSource> labels;
};

LazyMask::LazyMask(std::filesystem::path path, ViewInfo view, const Settings& settings)
    : path_(std::move(path)),
      view_(std::move(view)),
      classes_(settings.data.classes),
      ignore_(settings.data.ignore),
      labels_(settings.labels),
      budget_bytes_(settings.memory_budget) {
  require_readable_mask(path_);
  handle_ = std::make_unique<Handle>(path_);
  open();
  close();
}

LazyMask::~LazyMask() = default;

std::shared_ptr<const PixelSource> LazyMask::open() const {
  const std::lock_guard lock(handle_->mutex);
  if (handle_->labels) return handle_->labels;
  auto labels = open_labels(path_, view_, classes_, ignore_, labels_, budget_bytes_);
  handle_->identity.require_unchanged();
  handle_->labels = std::move(labels);
  return handle_->labels;
}

void LazyMask::require_unchanged() const { handle_->identity.require_unchanged(); }

void LazyMask::close() const {
  const std::lock_guard lock(handle_->mutex);
  handle_->labels.reset();
}

PixelBlock LazyMask::read(const Region& region) const { return open()->read(region); }

ViewOptions view_options(const Settings& settings, const CohortEntry& entry) {
  ViewOptions options{.level = settings.data.level, .mpp = settings.data.mpp};
  options.stated_mpp = entry.mpp;
  options.assume_mpp = settings.data.assume_mpp;
  options.origin = settings.data.origin;
  options.crop_level0 = entry.region;
  return options;
}

void SlideInput::close() const {
  slide->close();
  if (mask) mask->close();
}

void SlideInput::require_unchanged() const {
  slide->require_unchanged();
  if (mask) mask->require_unchanged();
}

namespace {

SlideInput open_input(const Settings& settings, const CohortEntry& entry, const std::string& id) {
  throw_if_stopped();
  SlideInput input{.entry = entry, .id = id};
  input.slide =
      std::make_shared<LazySlide>(entry.path, view_options(settings, entry), settings.data.stain);
  if (settings.run.deidentify) input.id = anonymous_id(input.slide->slide());
  input.pixels = input.slide;
  input.slide->close();
  return input;
}

/// Slides are opened by several threads: a cohort may have thousands, on a server that answers
/// late.
std::vector<SlideInput> open_inputs(const Settings& settings,
                                    const std::vector<CohortEntry>& entries,
                                    const std::vector<std::string>& ids) {
  std::vector<SlideInput> inputs(entries.size());
  const int threads = settings.threads > 0 ? settings.threads : usable_cores();
  parallel_for(entries.size(), threads,
               [&](size_t i) { inputs[i] = open_input(settings, entries[i], ids[i]); });
  for (const SlideInput& input : inputs) {
    for (const std::string& warning : input.slide->slide().warnings) {
      warn(fmt::format("{}: {}", input.id, warning));
    }
  }
  return inputs;
}

/// A manifest may name a slide several times, each with a region of its own.
void tell_regions_apart(SlideSets& sets) {
  std::vector<SlideInput*> inputs;
  for (SlideInput& input : sets.training) inputs.push_back(&input);
  for (SlideInput& input : sets.validation) inputs.push_back(&input);
  std::vector<std::string> ids;
  std::vector<CohortEntry> entries;
  for (const SlideInput* input : inputs) {
    ids.push_back(input->id);
    entries.push_back(input->entry);
  }
  ids = tell_regions_apart(std::move(ids), entries);
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i]->id = ids[i];
}

}  // namespace

SlideSets open_slides(const Settings& settings, const Cohort& cohort) {
  std::vector<CohortEntry> all = cohort.training;
  all.insert(all.end(), cohort.validation.begin(), cohort.validation.end());
  std::vector<std::filesystem::path> paths;
  paths.reserve(all.size());
  for (const CohortEntry& entry : all) paths.push_back(entry.path);
  std::vector<std::string> ids = slide_ids(paths);
  for (std::string& id : ids) id = text_name(id);  // Names of files may be no text.
  std::vector<SlideInput> inputs = open_inputs(settings, all, ids);
  SlideSets sets;
  const auto middle = inputs.begin() + static_cast<int64_t>(cohort.training.size());
  sets.training.assign(std::move_iterator(inputs.begin()), std::move_iterator(middle));
  sets.validation.assign(std::move_iterator(middle), std::move_iterator(inputs.end()));
  tell_regions_apart(sets);
  return sets;
}

/// Windows are filled with whole cells, which readers decode to their place and do not keep.
int64_t reading_bytes(const PixelSource& source, int64_t reader_bytes) {
  const CellGrid grid = source.cells();
  const bool is_aligned = !grid.size.empty() && grid.first_row == 0 && grid.first_col == 0;
  if (!is_aligned) return reader_bytes;
  return std::max<int64_t>(0, reader_bytes - OpenOptions{}.cache_bytes);
}

SeenPixels see_pixels(const Settings& settings, const CohortEntry& entry,
                      std::shared_ptr<const SlideReader> reader,
                      std::shared_ptr<const SlideView> view) {
  const auto target = target_stains(settings.data.stain);
  if (!target) return {std::move(view)};
  const int workers =
      counting_workers(settings.threads, settings.memory_budget, reader->info().held_bytes);
  const auto stains = slide_stains(std::move(reader), view_options(settings, entry), workers);
  if (!stains) return {std::move(view), /*lacks_stains=*/true};
  return {make_normalised(std::move(view), *stains, *target)};
}

namespace {

void measure_or_warn(const LazySlide& slide, const std::string& id, int workers) {
  if (!slide.measure_stains(workers)) warn(fmt::format("{}: {}", id, kNoStainsWarning));
}

}  // namespace

void measure_stains(const Settings& settings, const LazySlide& slide, const std::string& id) {
  if (settings.data.stain.method == StainMethod::kNone) return;
  measure_or_warn(
      slide, id,
      counting_workers(settings.threads, settings.memory_budget, slide.slide().held_bytes));
}

void measure_all_stains(const Settings& settings, const SlideSets& sets, int workers) {
  if (settings.data.stain.method == StainMethod::kNone) return;
  Progress progress("stains", static_cast<int64_t>(sets.training.size() + sets.validation.size()));
  for (const std::vector<SlideInput>* set : {&sets.training, &sets.validation}) {
    for (const SlideInput& input : *set) {
      progress.set_status(input.id);
      measure_or_warn(*input.slide, input.id, workers);
      input.close();
      progress.advance();
    }
  }
}

SlideSize size_of(const Settings& settings, const SlideInput& input) {
  const SlideInfo& slide = input.slide->slide();
  SlideSize size{.shape = shape_of(*input.slide),
                 .reader_bytes = reading_bytes(*input.slide, slide.held_bytes),
                 .stain_bytes = stain_bytes(settings.data.stain)};
  if (!input.entry.mask.empty()) require_readable_mask(input.entry.mask);
  if (input.entry.mask.empty()) {
    const Extent level0 = slide.levels.front().extent;
    const double d =
        slide.mpp_x ? std::max(1.0, settings.labels.mpp / *slide.mpp_x) : kUnknownScaleDownsample;
    size.label_bytes = static_cast<int64_t>(static_cast<double>(level0.area()) / (d * d));
  } else if (file_kind(input.entry.mask) == FileKind::kPng) {
    size.mask_bytes = read_png_header(input.entry.mask).extent.area();
  } else if (is_read_by_parts(input.entry.mask)) {
    size.mask_bytes = kMaskPartBytes;
  } else {
    size.mask_bytes = annotation_bytes(input.entry.mask, settings.memory_budget);
  }
  return size;
}

std::vector<SlideSize> sizes_of(const Settings& settings, const std::vector<SlideInput>& inputs) {
  std::vector<SlideSize> sizes;
  sizes.reserve(inputs.size());
  for (const SlideInput& input : inputs) sizes.push_back(size_of(settings, input));
  return sizes;
}

namespace {

void require_one_class(const Settings& settings, const SlideInput& input) {
  if (settings.labels.method == LabelMethod::kMask) {
    throw DataError(fmt::format("{}: labels.method is mask, but the manifest names no mask for it",
                                input.entry.path.string()));
  }
  if (settings.data.classes.size() > 1) {
    throw ConfigError(
        fmt::format("{}: labels.method otsu and robust tell one class from the rest, but "
                    "data.classes names {}; "
                    "give masks in a manifest",
                    input.entry.path.string(), settings.data.classes.size()));
  }
}

}  // namespace

void make_labels(const Settings& settings, SlideInput& input) {
  const ViewInfo& view = input.slide->info();
  if (!input.entry.mask.empty()) {
    input.mask = std::make_shared<LazyMask>(input.entry.mask, view, settings);
    input.labels = input.mask;
    return;
  }
  require_one_class(settings, input);
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
  input.slide->require_unchanged();
  input.labels = make_label_source(std::move(labels.map), view);
}

void check_small_masks(const Settings& settings, const SlideSets& sets) {
  constexpr uint64_t kMostBytes = 16 << 20;
  uint64_t bytes = 0;
  for (const std::vector<SlideInput>* set : {&sets.training, &sets.validation}) {
    for (const SlideInput& input : *set) {
      const auto& mask = input.entry.mask;
      if (mask.empty()) continue;
      bytes += file_bytes(mask);
      if (bytes > kMostBytes) return;
      throw_if_stopped();
      const LazyMask checked(mask, input.slide->info(), settings);
    }
  }
}

void put_behind_cache(const Settings& settings, CacheMode cache, std::vector<SlideInput>& slides) {
  for (SlideInput& s : slides) {
    CacheOptions options{.scratch = settings.run.scratch};
    options.budget_bytes = cache_footprint(cache, s.slide->extent(), 3).resident_bytes;
    s.pixels = make_cached(s.slide, cache, options);
  }
}

}  // namespace untiled
