#include "app/pipeline/patient_pixels.h"

#include "lib/core/error.h"

namespace untiled {
namespace {

PixelBlock black(const Region& region, int channels) {
  PixelBlock block{.region = region, .channels = channels, .bytes = {}, .missing = {}};
  block.bytes.assign(static_cast<size_t>(region.area() * channels), 0);
  return block;
}

}  // namespace

PixelBlock PatientPixels::read(const Region& region) const { return copy_of(view(region)); }

PixelView PatientPixels::view(const Region& region) const {
  if (!has_failed()) {
    try {
      return source_.view(region);
    } catch (const Interrupted&) {
      throw;
    } catch (...) {
      keep_failure();
    }
  }
  return view_of(black(region, channels()));
}

void PatientPixels::rethrow_failure() const {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

bool PatientPixels::has_failed() const {
  const std::lock_guard lock(mutex_);
  return failure_ != nullptr;
}

void PatientPixels::keep_failure() const {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::current_exception();
}

}  // namespace untiled
