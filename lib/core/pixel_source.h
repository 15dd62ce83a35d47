// The seam between slides and networks: regions in, bytes out. Declared here so that data/ needs
// no torch and lib/streaming no OpenCV.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "lib/core/region.h"
#include "lib/core/row_copy.h"

namespace untiled {

/// Memory that begins 16 bytes behind a multiple of 32: libjpeg-turbo's stores to rows that begin
/// at such a multiple go past the caches, and whoever reads the pixels next waits for them. Throws
/// std::bad_alloc.
void* allocate_pixels(size_t bytes);
void free_pixels(void* pixels) noexcept;

/// Leaves new elements of a vector uninitialised; decoders overwrite every byte anyway.
template <typename T>
struct UninitializedAllocator : std::allocator<T> {
  T* allocate(size_t count) { return static_cast<T*>(allocate_pixels(count * sizeof(T))); }
  void deallocate(T* p, size_t /*count*/) noexcept { free_pixels(p); }
  template <typename U>
  struct rebind {  // NOLINT(readability-identifier-naming): the standard's name
    using other = UninitializedAllocator<U>;
  };
  using std::allocator<T>::allocator;
  template <typename U>
  void construct(U* p) noexcept {
    ::new (static_cast<void*>(p)) U;
  }
  template <typename U, typename... Args>
  void construct(U* p, Args&&... args) {
    ::new (static_cast<void*>(p)) U(std::forward<Args>(args)...);
  }
};

using Bytes = std::vector<uint8_t, UninitializedAllocator<uint8_t>>;

/// Pixels of one region: `bytes` is rows x cols x channels, interleaved, without row padding.
/// `missing` is empty when every pixel has data, else rows x cols with 1 where it has none; the
/// bytes of such pixels hold the background colour.
struct PixelBlock {
  Region region;
  int channels = 0;
  Bytes bytes;
  Bytes missing;

  size_t size_bytes() const { return bytes.size() + missing.size(); }
};

/// The same where it lies: perhaps in memory that others see too, which stays as long as `owner`
/// does and does not change.
struct PixelView {
  Region region;
  int channels = 0;
  const uint8_t* data = nullptr;  ///< The first pixel; pixels of a row lie together.
  int64_t row_stride = 0;         ///< Bytes from one row to the next.
  Bytes missing;                  ///< As in a PixelBlock.
  std::shared_ptr<const void> owner;
};

PixelView view_of(PixelBlock block);
PixelBlock copy_of(const PixelView& view);

/// Where pixels go: memory of somebody else that holds `region`, whose pixels in a row lie
/// together.
struct PixelTarget {
  Region region;
  int channels = 0;
  uint8_t* data = nullptr;  ///< Of the region's first pixel.
  int64_t row_stride = 0;   ///< Bytes from one row to the next.
  /// As in a PixelBlock of `region`: made when the first pixel without data comes. Never null.
  Bytes* missing = nullptr;
  NextRead next_read = NextRead::kSoon;

  uint8_t* at(int64_t row, int64_t col) const {
    return data + (row - region.rows.begin) * row_stride + (col - region.cols.begin) * channels;
  }
};

PixelTarget target_of(PixelBlock& block);

/// Copies the pixels and missing marks that `from` has of `onto`'s region. Both have as many
/// channels.
void copy_overlap(const PixelBlock& from, const PixelTarget& onto);
void copy_overlap(const PixelBlock& from, PixelBlock& onto);

/// Class index that means "no weight": missing, ignored or not annotated.
inline constexpr uint8_t kIgnoredLabel = 255;

/// A grid over an image whose cells (a file's tiles) are read as a whole for little more than any
/// part of them.
struct CellGrid {
  Extent size;            ///< Of a cell; empty: there is no such grid.
  int64_t first_row = 0;  ///< Where the first cell begins: at the image's corner or before.
  int64_t first_col = 0;
};

/// An image that is read a region at a time: a slide (3 channels, RGB) or a label map (1 channel,
/// class indices or kIgnoredLabel). All methods may be called from any thread.
class PixelSource {
 public:
  virtual ~PixelSource() = default;
  virtual Extent extent() const = 0;
  virtual int channels() const = 0;
  /// `region` must lie inside the extent. Throws DataError naming the file and the region.
  virtual PixelBlock read(const Region& region) const = 0;
  /// The same to where it is wanted: into a target that holds `region` or more.
  virtual void read_into(const Region& region, const PixelTarget& target) const;
  /// The same without a copy where the source keeps its pixels.
  virtual PixelView view(const Region& region) const { return view_of(read(region)); }
  virtual CellGrid cells() const { return {}; }
  /// Whether pixels stay decoded in memory once they were read or kept, so that views of them cost
  /// nothing.
  virtual bool keeps_pixels() const { return false; }
  /// Decodes what such a source does not have yet of a region.
  virtual void keep(const Region& /*region*/) const {}
};

}  // namespace untiled
