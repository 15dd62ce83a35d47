// Values or gradients of one tensor of one slide, or of a rank's part of it with a margin around.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>

#include "lib/core/page_pool.h"
#include "lib/core/region.h"
#include "lib/core/scratch_file.h"

namespace untiled {

/// Channels last; undefined until written. Threads may write regions that do not overlap and read
/// regions that nobody writes. Everything throws InternalError for what is not held.
class TensorField {
 public:
  TensorField(int64_t channels, const Region& held, at::ScalarType dtype)
      : channels_(channels), held_(held), dtype_(dtype) {}
  virtual ~TensorField() = default;
  TensorField(const TensorField&) = delete;
  TensorField& operator=(const TensorField&) = delete;

  at::ScalarType dtype() const { return dtype_; }
  /// [1, channels, rows, cols], to be read only.
  virtual at::Tensor read(const Region& region) const = 0;
  /// Where a region's values may be computed before they are written: [1, channels, rows, cols].
  virtual at::Tensor place(const Region& region) = 0;
  /// Of a value that was computed in its place nothing is copied.
  virtual void write(const Region& region, const at::Tensor& value) = 0;

 protected:
  int64_t channels() const { return channels_; }
  const Region& held() const { return held_; }
  int64_t size_bytes() const;
  /// Of the first value of a region, which must be held.
  int64_t first_byte(const Region& region) const;
  int64_t pixel_bytes() const;

 private:
  int64_t channels_;
  Region held_;
  at::ScalarType dtype_;
};

/// In main memory: what is read is where it lies.
class MemoryField : public TensorField {
 public:
  /// Throws std::bad_alloc.
  MemoryField(int64_t channels, const Region& held, at::ScalarType dtype, PagePool& pool);

  at::Tensor read(const Region& region) const override;
  at::Tensor place(const Region& region) override { return read(region); }
  void write(const Region& region, const at::Tensor& value) override;

 private:
  std::shared_ptr<MappedMemory> pages_;
};

/// In a file without a name: what is read is a copy.
class FileField : public TensorField {
 public:
  /// Everything throws DataError where the folder's disk is full or fails.
  FileField(int64_t channels, const Region& held, at::ScalarType dtype,
            const std::filesystem::path& folder);

  at::Tensor read(const Region& region) const override;
  at::Tensor place(const Region& region) override;
  void write(const Region& region, const at::Tensor& value) override;

 private:
  ScratchFile file_;
};

}  // namespace untiled
