// What norms and ReLUs do to the values of a tile, in one sweep over its memory each. Values lie
// pixel by pixel, the channels of one together (channels last); rows may lie apart.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace untiled {

/// A norm with known statistics, by channel: (y - mean) * inverse_deviation * weight + bias.
struct NormValues {
  std::vector<double> mean;
  std::vector<double> inverse_deviation;
  std::vector<double> weight;
  std::vector<double> bias;
};

/// Number, means and sums of squared differences from them of a tile's values, by channel.
struct TileMoments {
  int64_t count = 0;
  std::vector<double> mean;
  std::vector<double> squares;
};

/// Sums over a tile by channel: of the gradient, and of the gradient times the normalised value.
struct NormGradientSums {
  std::vector<double> gradient;
  std::vector<double> product;
};

// All tensors are [1, channels, rows, cols], float32 or float64 alike, with channels last.

/// Writes `y`, normalised where `norm` is not null and without its negative values where `relu`
/// is true, to `onto`, which has its shape.
void read_values(const at::Tensor& y, const NormValues* norm, bool relu, const at::Tensor& onto);

TileMoments tile_moments(const at::Tensor& y);

/// Zeroes the gradient of what was read from `y` where the ReLU cut it off, and sums it. `norm` may
/// be null: the products are left out.
NormGradientSums mask_gradient(const at::Tensor& y, const NormValues* norm, bool relu,
                               const at::Tensor& gradient);

/// Writes the gradient of `y`, from that of its normalised value, to `onto`:
///   weight * inverse_deviation * (g - mean_gradient - normalised * mean_product)
/// where the means are over all pixels, or empty where the norm's statistics are constants.
void norm_backward(const at::Tensor& y, const NormValues& norm,
                   const std::vector<double>& mean_gradient,
                   const std::vector<double>& mean_product, const at::Tensor& gradient,
                   const at::Tensor& onto);

}  // namespace untiled
