// Pixels of a slide that may turn out to be unreadable while ranks wait for each other.
#pragma once

#include <exception>
#include <mutex>

#include "lib/core/pixel_source.h"

namespace untiled {

/// Another source, but that what it throws is kept for later: from then on all pixels are black.
/// Thread-safe.
class PatientPixels : public PixelSource {
 public:
  /// Keeps a reference.
  explicit PatientPixels(const PixelSource& source) : source_(source) {}

  Extent extent() const override { return source_.extent(); }
  int channels() const override { return source_.channels(); }
  PixelBlock read(const Region& region) const override;
  PixelView view(const Region& region) const override;
  CellGrid cells() const override { return source_.cells(); }

  /// Throws what reading has thrown first, if it has.
  void rethrow_failure() const;

 private:
  bool has_failed() const;
  void keep_failure() const;

  const PixelSource& source_;
  mutable std::mutex mutex_;
  mutable std::exception_ptr failure_;
};

}  // namespace untiled
