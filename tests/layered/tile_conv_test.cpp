#include "lib/layered/tile_conv.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/randn.h>
#include <hwy/highway.h>
#include <hwy/targets.h>

#include <algorithm>
#include <vector>

#include "lib/layered/tensors.h"
#include "tests/catch.h"
#include "tests/layered/slides_fixture.h"

namespace untiled::testing {
namespace {

struct ConvCase {
  int64_t in;
  int64_t out;
  int64_t kernel;
  int64_t stride;
  Extent extent;  ///< Of the output.
};

const std::vector<ConvCase> kCases = {
    {3, 16, 7, 2, {9, 31}},  {16, 16, 3, 1, {20, 37}},  {16, 32, 3, 2, {11, 24}},
    {16, 32, 1, 2, {5, 13}}, {32, 48, 3, 1, {3, 1}},    {64, 16, 1, 1, {1, 25}},
    {16, 16, 5, 1, {6, 7}},  {48, 128, 3, 1, {13, 65}}, {5, 16, 3, 3, {4, 1}},
};

at::Tensor last(const at::Tensor& t) { return t.contiguous(at::MemoryFormat::ChannelsLast); }

/// A part of a wider tensor: its rows lie apart.
at::Tensor apart(int64_t channels, const Extent& extent, const at::Generator& random) {
  const at::Tensor wide = last(at::randn({1, channels, extent.rows, extent.cols + 5}, random));
  return wide.narrow(3, 2, extent.cols);
}

/// A case's tensors, drawn anew each time alike.
struct Setup {
  at::Tensor weight, bias, window, gradient;
  TileConv rows, plain;

  explicit Setup(const ConvCase& c, const at::Generator& random = at::detail::createCPUGenerator(7))
      : weight(last(at::randn({c.out, c.in, c.kernel, c.kernel}, random))),
        bias(at::randn({c.out}, random)),
        window(apart(c.in, window_of(c), random)),
        gradient(apart(c.out, c.extent, random)),
        rows(weight, bias, c.stride, conv_rows()),
        plain(weight.to(at::kDouble), bias.to(at::kDouble), c.stride, conv_rows()) {}

  static Extent window_of(const ConvCase& c) {
    return {(c.extent.rows - 1) * c.stride + c.kernel, (c.extent.cols - 1) * c.stride + c.kernel};
  }
};

/// All that the row kernels compute: forward, the weight's gradient, the input's gradient.
std::vector<at::Tensor> results(const ConvCase& c, const Setup& s) {
  std::vector<at::Tensor> all = {s.rows.forward(s.window, empty_tile(c.out, c.extent, at::kFloat)),
                                 s.rows.weight_gradient(s.gradient, s.window)};
  if (c.stride == 1) {
    // With zeros around it, it is that of all outputs that reach the window.
    const at::Tensor around = last(
        at::constant_pad_nd(s.gradient, {c.kernel - 1, c.kernel - 1, c.kernel - 1, c.kernel - 1}));
    all.push_back(s.rows.input_gradient(around, empty_tile(c.in, Setup::window_of(c), at::kFloat)));
  }
  return all;
}

std::vector<at::Tensor> plain_results(const ConvCase& c, const Setup& s) {
  const at::Tensor gradient = last(s.gradient.to(at::kDouble));
  const at::Tensor window = last(s.window.to(at::kDouble));
  std::vector<at::Tensor> all = {s.plain.forward(window, {}),
                                 s.plain.weight_gradient(gradient, window)};
  if (c.stride == 1) all.push_back(s.plain.window_gradient(gradient));
  return all;
}

TEST_CASE("row kernels of convolutions give what LibTorch gives in float64") {
  for (const ConvCase& c : kCases) {
    const Setup setup(c);
    const std::vector<at::Tensor> found = results(c, setup);
    const std::vector<at::Tensor> expected = plain_results(c, setup);
    for (size_t i = 0; i < found.size(); ++i) {
      CAPTURE(c.in, c.out, c.kernel, c.stride, i);
      const double size = expected[i].abs().max().item<double>();
      CHECK((found[i].to(at::kDouble) - expected[i]).abs().max().item<double>() <= 2e-6 * size);
    }
  }
}

TEST_CASE("row kernels of convolutions have the same bits with every instruction set") {
  for (const ConvCase& c : kCases) {
    const std::vector<at::Tensor> best = results(c, Setup(c));
    for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
      hwy::SetSupportedTargetsForTest(target);
      const bool has_rows = conv_rows() != nullptr;
      const std::vector<at::Tensor> found = results(c, Setup(c));
      hwy::SetSupportedTargetsForTest(0);
      if (!has_rows) continue;
      for (size_t i = 0; i < found.size(); ++i) {
        CAPTURE(hwy::TargetName(target), c.in, c.out, c.kernel, i);
        CHECK(found[i].equal(best[i]));
      }
    }
  }
}

TEST_CASE("a pixel's value of row kernels has the same bits in every tile") {
  if (conv_rows() == nullptr) return;
  for (const ConvCase& c : kCases) {
    const Setup setup(c);
    const at::Tensor all =
        setup.rows.forward(setup.window, empty_tile(c.out, c.extent, at::kFloat));
    for (int64_t x = 0; x < c.extent.cols; x += 3) {
      const int64_t cols = std::min<int64_t>(4, c.extent.cols - x);
      const at::Tensor window =
          setup.window.narrow(3, x * c.stride, (cols - 1) * c.stride + c.kernel);
      const at::Tensor onto = empty_tile(c.out, {c.extent.rows, cols}, at::kFloat);
      CHECK(setup.rows.forward(window, onto).equal(all.narrow(3, x, cols)));
    }
  }
}

/// Of a seed with which no ReLU gets a value that rounding takes to the other side of zero: a
/// gradient of float32 is then another one, with LibTorch's kernels as well.
SlidesCase wide_case() {
  SlidesCase c{.sizes = {{230, 170}, {100, 161}},
               .model = small_resnet(NormKind::kBatch, 18, 16),
               .tile = 64};
  c.dtype = at::kFloat;
  c.seed = 2;
  return c;
}

TEST_CASE("a float32 step is near the whole image with row kernels and without") {
  for (const NormKind norm : {NormKind::kBatch, NormKind::kNone}) {
    SlidesCase c = wide_case();
    c.model.norm = norm;
    const SlidesSetup setup(c);
    const LayeredStep rows = streamed(c, setup);
    c.uses_row_kernels = false;
    const LayeredStep plain = streamed(c, setup);
    CHECK(worst_error(c, setup, rows).error < 1e-4);
    CHECK(worst_error(c, setup, plain).error < 1e-4);
    if (conv_rows() == nullptr) continue;
    CHECK_FALSE(rows.gradients.front().equal(plain.gradients.front()));
  }
}

}  // namespace
}  // namespace untiled::testing
