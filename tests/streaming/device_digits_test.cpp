#include "lib/streaming/device_digits.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lib/core/random.h"
#include "lib/device/device.h"
#include "lib/ranks/exact_sum.h"
#include "tests/catch.h"

namespace untiled {
namespace {

constexpr int64_t kSums = 37;
constexpr int64_t kFirst = 5;

/// Of all magnitudes that count and smaller ones, halves of the lowest unit among them.
std::vector<double> terms_of(uint64_t seed, int64_t count) {
  Random random(seed);
  std::vector<double> terms;
  for (int64_t i = 0; i < count; ++i) {
    const auto exponent = static_cast<int>(random.below(120)) - 95;
    const double whole = std::floor(random.uniform() * 64.0) - 32.0;
    terms.push_back(std::ldexp(i % 3 == 0 ? whole : 2.0 * random.uniform() - 1.0, exponent));
  }
  return terms;
}

at::Tensor tensor_of(std::vector<double>& terms, int64_t rows) {
  return at::from_blob(terms.data(), {rows, static_cast<int64_t>(terms.size()) / rows},
                       at::TensorOptions().dtype(at::kDouble))
      .clone();
}

std::vector<int64_t> numbers_of(const at::Tensor& digits) {
  const at::Tensor host = digits.to(at::kCPU);
  const auto* begin = host.const_data_ptr<int64_t>();
  return {begin, begin + host.numel()};
}

/// The digits of some batches of terms, as the host has them and as a device makes them.
struct Both {
  std::vector<int64_t> host;
  std::vector<int64_t> device;
};

Both digits_of(at::ScalarType type, at::Device device) {
  ExactSum host(static_cast<size_t>(kFirst + kSums));
  DeviceDigits digits(kFirst + kSums, device);
  for (uint64_t batch = 1; batch <= 20; ++batch) {
    const auto rows = static_cast<int64_t>(batch % 7 + 1);
    std::vector<double> numbers = terms_of(batch, rows * kSums);
    const at::Tensor terms = tensor_of(numbers, rows).to(type);
    const at::Tensor seen = terms.to(at::kDouble);
    for (int64_t row = 0; row < rows; ++row) {
      host.add(std::span(seen.const_data_ptr<double>() + row * kSums, size_t{kSums}), kFirst);
    }
    digits.add(terms.to(device), kFirst);
  }
  return {host.digits(), numbers_of(digits.digits())};
}

TEST_CASE("digits that LibTorch's operations make are those of exact sums") {
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    const Both both = digits_of(type, at::kCPU);
    CHECK(both.device == both.host);
  }
}

TEST_CASE("a term that is not finite or too large is counted, and leaves other sums as they are") {
  ExactSum host(4);
  DeviceDigits digits(4, at::kCPU);
  std::vector<double> terms = {1.5,
                               std::numeric_limits<double>::quiet_NaN(),
                               -0x1p31,
                               0x1p30,
                               -std::numeric_limits<double>::infinity(),
                               2.0,
                               3.0,
                               -0x1p-88};
  for (size_t row = 0; row < 2; ++row) host.add(std::span(terms).subspan(4 * row, 4));
  digits.add(tensor_of(terms, 2), 0);
  CHECK(numbers_of(digits.digits()) == host.digits());
  CHECK(numbers_of(digits.digits()).back() == 3);
}

TEST_CASE("sums of digits are those of all their terms, however often they are carried") {
  DeviceDigits all(kSums, at::kCPU);
  ExactSum host(static_cast<size_t>(kSums));
  for (uint64_t part = 0; part < 5; ++part) {
    std::vector<double> numbers = terms_of(part, 3 * kSums);
    for (size_t row = 0; row < 3; ++row) host.add(std::span(numbers).subspan(row * kSums, kSums));
    DeviceDigits own(kSums, at::kCPU);
    own.add(tensor_of(numbers, 3), 0);
    all.add(own);
    all.digits();
  }
  CHECK(numbers_of(all.digits()) == host.digits());
  ExactSum read(static_cast<size_t>(kSums));
  read.set_digits(numbers_of(all.digits()), 1);
  CHECK(read.values() == host.values());
}

TEST_CASE("digits that a GPU makes are those of exact sums", "[gpu]") {
  const BackendState cuda = probe_cuda();
  if (!cuda.usable) UNTILED_SKIP("no usable CUDA device: " + cuda.detail);
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    const Both both = digits_of(type, {at::kCUDA, 0});
    CHECK(both.device == both.host);
  }
}

}  // namespace
}  // namespace untiled
