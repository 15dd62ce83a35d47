#include "data/slide/openslide_handle.h"

#include <dlfcn.h>

#include <utility>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// A function that only newer libraries have; null in older ones.
template <typename Function>
Function* find_function(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

struct openslide_cache;  // NOLINT(readability-identifier-naming): OpenSlide's type

void set_cache(openslide_t* slide, int64_t bytes) {
  static auto* const create = find_function<openslide_cache*(size_t)>("openslide_cache_create");
  static auto* const set =
      find_function<void(openslide_t*, openslide_cache*)>("openslide_set_cache");
  static auto* const release = find_function<void(openslide_cache*)>("openslide_cache_release");
  if (create == nullptr || set == nullptr || release == nullptr) return;
  openslide_cache* const cache = create(static_cast<size_t>(bytes));
  set(slide, cache);
  release(cache);
}

std::vector<std::string> names(const char* const* list) {
  std::vector<std::string> result;
  for (; list != nullptr && *list != nullptr; ++list) result.emplace_back(*list);
  return result;
}

void require_sound(openslide_t* slide) {
  if (const char* error = openslide_get_error(slide)) throw DataError(error);
}

}  // namespace

std::optional<std::string> openslide_vendor(const std::filesystem::path& path) {
  const char* vendor = openslide_detect_vendor(path.c_str());
  if (vendor == nullptr) return std::nullopt;
  return vendor;
}

std::string openslide_version() { return openslide_get_version(); }

OpenSlideHandle::OpenSlideHandle(const std::filesystem::path& path, int64_t cache_bytes)
    : slide_(openslide_open(path.c_str())) {
  if (!slide_) throw DataError("OpenSlide does not know its format");
  require_sound(slide_.get());
  set_cache(slide_.get(), cache_bytes);
}

int OpenSlideHandle::level_count() const { return openslide_get_level_count(slide_.get()); }

Extent OpenSlideHandle::level_extent(int level) const {
  Extent extent;
  openslide_get_level_dimensions(slide_.get(), level, &extent.cols, &extent.rows);
  return extent;
}

double OpenSlideHandle::level_ratio(int level) const {
  return openslide_get_level_downsample(slide_.get(), level);
}

std::vector<std::string> OpenSlideHandle::property_names() const {
  return names(openslide_get_property_names(slide_.get()));
}

std::optional<std::string> OpenSlideHandle::property(const std::string& name) const {
  const char* value = openslide_get_property_value(slide_.get(), name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::vector<std::string> OpenSlideHandle::associated_images() const {
  return names(openslide_get_associated_image_names(slide_.get()));
}

bool OpenSlideHandle::has_icc() const {
  static auto* const size = find_function<int64_t(openslide_t*)>("openslide_get_icc_profile_size");
  return size != nullptr && size(slide_.get()) > 0;
}

std::vector<uint32_t> OpenSlideHandle::read(int level, int64_t row_level0, int64_t col_level0,
                                            const Extent& extent) const {
  auto pixels = try_read(level, row_level0, col_level0, extent);
  if (!pixels) throw DataError(openslide_get_error(slide_.get()));
  return std::move(*pixels);
}

std::optional<std::vector<uint32_t>> OpenSlideHandle::try_read(int level, int64_t row_level0,
                                                               int64_t col_level0,
                                                               const Extent& extent) const {
  std::vector<uint32_t> pixels(static_cast<size_t>(extent.area()));
  openslide_read_region(slide_.get(), pixels.data(), col_level0, row_level0, level, extent.cols,
                        extent.rows);
  if (openslide_get_error(slide_.get()) != nullptr) return std::nullopt;
  return pixels;
}

}  // namespace untiled
