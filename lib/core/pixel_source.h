// The seam between slides and networks: regions in, bytes out. Declared here so that data/ needs
// no torch and lib/streaming no OpenCV.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "lib/core/region.h"

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

/// Copies the pixels and missing marks that `from` has of `onto`'s region. Both have as many
/// channels.
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
  /// The same into a block that holds `region` and whose missing pixels are marked; of its other
  /// pixels some may be read as well.
  virtual void read_onto(const Region& region, PixelBlock& block) const {
    copy_overlap(read(region), block);
  }
  /// The same without a copy where the source keeps its pixels.
  virtual PixelView view(const Region& region) const { return view_of(read(region)); }
  virtual CellGrid cells() const { return {}; }
};

/// One pass over a list of regions that is known in advance, so that they can be read ahead.
class RegionPass {
 public:
  virtual ~RegionPass() = default;
  /// The block of region `index`. Each index is taken once; several threads may take, each in
  /// increasing order. Throws what reading that region threw.
  virtual PixelView take(size_t index) = 0;
};

/// Starts passes over an image. A pass must end before its feed does.
class PixelFeed {
 public:
  virtual ~PixelFeed() = default;
  virtual Extent extent() const = 0;
  virtual std::unique_ptr<RegionPass> begin(std::vector<Region> regions) const = 0;
};

/// The synchronous reference: every region is read when it is taken, by the thread that takes it.
class DirectFeed : public PixelFeed {
 public:
  explicit DirectFeed(std::shared_ptr<const PixelSource> source) : source_(std::move(source)) {}
  Extent extent() const override { return source_->extent(); }
  std::unique_ptr<RegionPass> begin(std::vector<Region> regions) const override;

 private:
  std::shared_ptr<const PixelSource> source_;
};

}  // namespace untiled
