#include "lib/kernels/crop_layers.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/zeros.h>

#include <array>

namespace untiled {
namespace {

/// The crop's values over `region`, with zeros where the crop holds nothing.
at::Tensor padded(const Crop& crop, const Region& region) {
  const Region& held = crop.region;
  if (held == region) return crop.values;
  const std::array<int64_t, 4> pad = {
      held.cols.begin - region.cols.begin, region.cols.end - held.cols.end,
      held.rows.begin - region.rows.begin, region.rows.end - held.rows.end};
  // Negative amounts cut; cutting alone is a view.
  if (pad[0] <= 0 && pad[1] <= 0 && pad[2] <= 0 && pad[3] <= 0) return part_of(crop, region);
  return at::constant_pad_nd(crop.values, pad, 0);
}

Region conv_region(const Region& out, const Geometry& g) {
  return {conv_input(out.rows, g), conv_input(out.cols, g)};
}

bool holds_nothing(const Crop& crop) { return crop.region.empty(); }

/// Gradient of a stride-1 convolution with respect to its (padded) input, as the convolution of
/// the output's gradient with the flipped kernel: several times faster on a CPU than LibTorch's
/// own backward for few channels.
at::Tensor stride1_input_gradient(const at::Tensor& out_gradient, const at::Tensor& weight) {
  const int64_t border = weight.size(-1) - 1;
  return at::conv2d(out_gradient, weight.flip({2, 3}).transpose(0, 1).contiguous(), {}, 1, border);
}

/// Weight gradient of a stride-1 convolution with input and output gradient in each other's place:
/// sum over pixels of input(y + ky) * gradient(y) is a weight gradient of the convolution that
/// reads the padded gradient, with the kernel mirrored. On a CPU the cost grows with the channels
/// of the operand in the gradient's place, padded to a vector; so this is faster where the layer
/// has fewer outputs than inputs.
at::Tensor mirrored_weight_gradient(const at::Tensor& input, const at::Tensor& weight,
                                    const at::Tensor& out_gradient) {
  const int64_t border = weight.size(-1) - 1;
  const at::Tensor wide = at::constant_pad_nd(out_gradient, {border, border, border, border}, 0);
  const at::Tensor mirrored = std::get<1>(
      at::convolution_backward(input, wide, weight.transpose(0, 1).contiguous(), {input.size(1)},
                               {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, 1, {false, true, false}));
  return mirrored.flip({2, 3}).transpose(0, 1);
}

at::Tensor conv_input_gradient(const at::Tensor& input, const at::Tensor& weight, const Geometry& g,
                               const at::Tensor& out_gradient) {
  if (g.stride == 1) return stride1_input_gradient(out_gradient, weight);
  return std::get<0>(at::convolution_backward(out_gradient, input, weight, {weight.size(0)},
                                              {g.stride, g.stride}, {0, 0}, {1, 1}, false, {0, 0},
                                              1, {true, false, false}));
}

at::Tensor weight_gradient(const at::Tensor& input, const at::Tensor& weight, const Geometry& g,
                           const at::Tensor& out_gradient, bool transposed) {
  const int64_t out_channels = weight.size(transposed ? 1 : 0);
  return std::get<1>(at::convolution_backward(out_gradient, input, weight, {out_channels},
                                              {g.stride, g.stride}, {0, 0}, {1, 1}, transposed,
                                              {0, 0}, 1, {false, true, false}));
}

/// A transposed convolution of stride s is a convolution on the coarse grid that gives s * s
/// phases a channel: output row s * i + r takes kernel row r + padding - s * j from input row
/// i + j, for each j in `reach`.
struct Phases {
  Interval reach;     ///< Offsets j.
  at::Tensor weight;  ///< [out * s * s, in, reach, reach]
};

Interval phase_reach(const Geometry& g) { return transposed_conv_input({0, g.stride}, g); }

Phases make_phases(const at::Tensor& weight, const Geometry& g) {
  const Interval reach = phase_reach(g);
  const int64_t s = g.stride;
  const int64_t n = reach.size();
  // Embed the k x k kernel into n*s x n*s so that row (n - 1 - j') * s + r holds offset j.
  const int64_t before = (n - 1 + reach.begin) * s - g.padding;
  const int64_t after = n * s - g.kernel - before;
  const at::Tensor wide = at::constant_pad_nd(weight, {before, after, before, after}, 0);
  const int64_t in = weight.size(0);
  const int64_t out = weight.size(1);
  // [in, out, n, s, n, s] with reversed offsets -> [out, s, s, in, n, n]
  return {reach, wide.view({in, out, n, s, n, s})
                     .flip({2, 4})
                     .permute({1, 3, 5, 0, 2, 4})
                     .reshape({out * s * s, in, n, n})
                     .contiguous()};
}

/// The whole groups of `stride` rows that cover `rows`.
Interval groups(const Interval& rows, int64_t stride) {
  return {floor_div(rows.begin, stride), ceil_div(rows.end, stride)};
}

}  // namespace

at::Tensor part_of(const Crop& crop, const Region& region) {
  return crop.values.narrow(-2, region.rows.begin - crop.region.rows.begin, region.rows.size())
      .narrow(-1, region.cols.begin - crop.region.cols.begin, region.cols.size());
}

at::Tensor conv_crop(const Crop& input, const at::Tensor& weight, const at::Tensor& bias,
                     const Geometry& geometry, const Region& out) {
  return at::conv2d(padded(input, conv_region(out, geometry)), weight, bias, geometry.stride);
}

LayerGradients conv_crop_backward(const Crop& input, const at::Tensor& weight,
                                  const Geometry& geometry, const Crop& out_gradient,
                                  int64_t input_channels) {
  const Region read = conv_region(out_gradient.region, geometry);
  const at::Tensor in = padded(input, read);
  LayerGradients gradients;
  gradients.weight = geometry.stride == 1 && weight.size(0) < weight.size(1)
                         ? mirrored_weight_gradient(in, weight, out_gradient.values)
                         : weight_gradient(in, weight, geometry, out_gradient.values, false);
  gradients.bias = out_gradient.values.sum(at::IntArrayRef{0, 2, 3});
  if (input_channels > 0) {
    const at::Tensor all = conv_input_gradient(
        in.narrow(1, 0, input_channels),
        // Metal's convolutions go wrong with weights that are views.
        weight.narrow(1, 0, input_channels).contiguous(), geometry, out_gradient.values);
    gradients.input = padded({all, read}, input.region);
  }
  return gradients;
}

at::Tensor transposed_conv_crop(const Crop& input, const at::Tensor& weight, const at::Tensor& bias,
                                const Geometry& geometry, const Region& out) {
  const Extent e = out.extent();
  if (holds_nothing(input)) {
    // A copy even of a single pixel: callers apply ReLU in place, and the bias is shared.
    return bias.view({1, -1, 1, 1}).repeat({1, 1, e.rows, e.cols});
  }
  const int64_t s = geometry.stride;
  const Phases phases = make_phases(weight, geometry);
  const Region coarse = {groups(out.rows, s), groups(out.cols, s)};
  const auto reached = [&](const Interval& rows) {
    return Interval{rows.begin + phases.reach.begin, rows.end + phases.reach.end - 1};
  };
  const at::Tensor in = padded(input, {reached(coarse.rows), reached(coarse.cols)});
  const at::Tensor fine =
      at::pixel_shuffle(at::conv2d(in, phases.weight, bias.repeat_interleave(s * s)), s);
  const Region held = {{coarse.rows.begin * s, coarse.rows.end * s},
                       {coarse.cols.begin * s, coarse.cols.end * s}};
  return part_of({fine, held}, out);
}

LayerGradients transposed_conv_crop_backward(const Crop& input, const at::Tensor& weight,
                                             const Geometry& geometry, const Crop& out_gradient,
                                             bool wants_input) {
  LayerGradients gradients;
  gradients.bias = out_gradient.values.sum(at::IntArrayRef{0, 2, 3});
  if (holds_nothing(input)) return gradients;
  // Rows that the whole input crop reaches; outside `out_gradient` nothing depends on them.
  const Region reached = {transposed_conv_output(input.region.rows, geometry),
                          transposed_conv_output(input.region.cols, geometry)};
  const at::Tensor gradient = padded(out_gradient, reached);
  gradients.weight = weight_gradient(input.values, weight, geometry, gradient, true);
  if (wants_input) gradients.input = at::conv2d(gradient, weight, {}, geometry.stride);
  return gradients;
}

}  // namespace untiled
