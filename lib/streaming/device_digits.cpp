#include "lib/streaming/device_digits.h"

#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "lib/ranks/exact_sum.h"

namespace untiled {
namespace {

/// Takes the nearest multiple of `unit` off x, which leaves the rest exactly.
at::Tensor take_digit(at::Tensor& x, double unit) {
  const at::Tensor digit = x.div(unit).round_();  // Ties to even, as ExactSum's.
  x = x.sub(digit.mul(unit));
  return digit.to(at::kLong);
}

}  // namespace

DeviceDigits::DeviceDigits(int64_t count, at::Device device)
    : count_(count),
      digits_(at::zeros({3 * count + 1}, at::TensorOptions().dtype(at::kLong).device(device))) {}

at::Tensor DeviceDigits::part(int64_t digit, int64_t first, int64_t size) const {
  return digits_.narrow(0, digit * count_ + first, size);
}

void DeviceDigits::add(const at::Tensor& terms, int64_t first) {
  additions_ += terms.size(0);
  const at::Tensor given = terms.to(at::kDouble);
  const at::Tensor fits = given.abs().lt(ExactSum::kLimit);  // False of NaN.
  at::Tensor x = at::where(fits, given, at::zeros_like(given));
  digits_.narrow(0, 3 * count_, 1).add_(fits.logical_not().sum());
  for (const int64_t digit : {2, 1, 0}) {
    part(digit, first, terms.size(1)).add_(take_digit(x, ExactSum::kUnits[digit]).sum(0));
  }
  if (additions_ > ExactSum::kMostAdditions) carry();
}

void DeviceDigits::add(DeviceDigits& other) {
  digits_.add_(other.digits());
  ++additions_;
}

const at::Tensor& DeviceDigits::digits() {
  carry();
  return digits_;
}

/// Moves what a digit has beyond 40 bits to the next: what stays is in [0, 2^40).
void DeviceDigits::carry() {
  for (const int64_t digit : {0, 1}) {
    const at::Tensor low = part(digit, 0, count_);
    const at::Tensor over = low.bitwise_right_shift(ExactSum::kDigitBits);
    low.sub_(over.bitwise_left_shift(ExactSum::kDigitBits));
    part(digit + 1, 0, count_).add_(over);
  }
  additions_ = 1;
}

}  // namespace untiled
