#include "lib/layered/value_rows.h"

#include <hwy/highway.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

/// A row of values, its gradient, and numbers a channel.
template <typename T>
struct Row {
  RowSize size;
  std::vector<T> in;
  std::vector<T> gradient;
  std::vector<T> mean;
  std::vector<T> scale;
  std::vector<T> bias;

  Row(int64_t pixels, int64_t channels) : size{pixels, channels} {
    Random random(7, static_cast<uint64_t>(pixels * 1000 + channels));
    const auto draw = [&](int64_t count) {
      std::vector<T> values(static_cast<size_t>(count));
      for (T& v : values) v = static_cast<T>(random.uniform(-2.0, 2.0));
      return values;
    };
    in = draw(pixels * channels);
    gradient = draw(pixels * channels);
    mean = draw(channels);
    scale = draw(channels);
    bias = draw(channels);
  }
  ChannelAffine<T> affine() const { return {mean.data(), scale.data(), bias.data()}; }
};

/// What the operations make of a row.
template <typename T>
struct Results {
  std::vector<T> read, plain, masked, back;
  std::vector<double> mean, squares, gradient_sum, product_sum;

  explicit Results(const Row<T>& r)
      : read(r.in.size()),
        plain(r.in.size()),
        masked(r.gradient),
        back(r.in.size()),
        mean(r.mean.size()),
        squares(r.mean.size()),
        gradient_sum(r.mean.size(), 1.0),
        product_sum(r.mean.size(), 1.0) {}
  bool operator==(const Results&) const = default;
};

template <typename T>
Results<T> run(const Row<T>& r) {
  Results<T> out(r);
  const ChannelAffine<T> affine = r.affine();
  const ValueRows<T>& rows = value_rows(T());
  rows.read(r.size, r.in.data(), &affine, true, out.read.data());
  rows.read(r.size, r.in.data(), nullptr, false, out.plain.data());
  rows.moments(r.size, r.in.data(), out.mean.data(), out.squares.data());
  rows.mask(r.size, r.in.data(), affine, true, out.masked.data(), out.gradient_sum.data(),
            out.product_sum.data());
  rows.back(r.size, r.in.data(), r.gradient.data(), affine, r.bias.data(), r.scale.data(),
            out.back.data());
  return out;
}

/// The same by the formulas, sums in the order of pixels.
template <typename T>
Results<T> run_plainly(const Row<T>& r) {
  Results<T> out(r);
  out.plain = r.in;
  const auto channels = static_cast<size_t>(r.size.channels);
  for (size_t i = 0; i < r.in.size(); ++i) {
    const size_t c = i % channels;
    const T centred = r.in[i] - r.mean[c];
    const T read = centred * r.scale[c] + r.bias[c];
    out.read[i] = read > 0 ? read : 0;
    out.masked[i] = read > 0 ? r.gradient[i] : 0;
    out.back[i] = r.scale[c] * (r.gradient[i] - r.bias[c] - centred * r.scale[c]);
    out.mean[c] += static_cast<double>(r.in[i]) / static_cast<double>(r.size.pixels);
    out.gradient_sum[c] += static_cast<double>(out.masked[i]);
    out.product_sum[c] += static_cast<double>(out.masked[i]) * static_cast<double>(centred);
  }
  for (size_t i = 0; i < r.in.size(); ++i) {
    out.squares[i % channels] += std::pow(static_cast<double>(r.in[i]) - out.mean[i % channels], 2);
  }
  return out;
}

template <typename Value>
double distance(const std::vector<Value>& a, const std::vector<Value>& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return most;
}

const std::vector<RowSize> kSizes = {{1, 1},  {2, 3},  {3, 8},   {5, 16},  {7, 17},
                                     {64, 4}, {33, 5}, {19, 31}, {40, 64}, {130, 12}};

}  // namespace

TEMPLATE_TEST_CASE("rows of values follow their formulas for any number of channels", "[layered]",
                   float, double) {
  const double tolerance = std::is_same_v<TestType, float> ? 1e-5 : 1e-12;
  for (const RowSize& size : kSizes) {
    const Row<TestType> row(size.pixels, size.channels);
    const Results<TestType> found = run(row);
    const Results<TestType> expected = run_plainly(row);
    CAPTURE(size.pixels, size.channels);
    CHECK(distance(found.read, expected.read) <= tolerance);
    CHECK(found.plain == expected.plain);
    CHECK(found.masked == expected.masked);
    CHECK(distance(found.back, expected.back) <= tolerance);
    CHECK(distance(found.mean, expected.mean) <= 1e-14);
    CHECK(distance(found.squares, expected.squares) <= 1e-12);
    CHECK(distance(found.gradient_sum, expected.gradient_sum) <= 1e-12);
    CHECK(distance(found.product_sum, expected.product_sum) <= 1e-12);
  }
}

TEMPLATE_TEST_CASE("rows of values have the same bits with every instruction set", "[layered]",
                   float, double) {
  for (const RowSize& size : kSizes) {
    const Row<TestType> row(size.pixels, size.channels);
    const Results<TestType> best = run(row);
    for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
      hwy::SetSupportedTargetsForTest(target);
      const Results<TestType> found = run(row);
      hwy::SetSupportedTargetsForTest(0);
      CAPTURE(size.pixels, size.channels, hwy::TargetName(target));
      CHECK(found == best);
    }
  }
}

TEST_CASE("what is not a number stays so behind a ReLU", "[layered]") {
  const std::vector<float> in = {std::numeric_limits<float>::quiet_NaN(), -1.0F, 2.0F};
  std::vector<float> out(3);
  value_rows(float()).read({3, 1}, in.data(), nullptr, true, out.data());
  CHECK(std::isnan(out[0]));
  CHECK(out[1] == 0.0F);
  CHECK(out[2] == 2.0F);
}

}  // namespace untiled
