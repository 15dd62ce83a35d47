#include "lib/layered/pixel_rows.h"

#include <ATen/Dispatch.h>

#include <algorithm>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// Where the rows of a tensor lie.
template <typename T>
struct Rows {
  T* data;
  int64_t rows;
  int64_t cols;
  int64_t channels;
  int64_t row_stride;

  T* row(int64_t y) const { return data + y * row_stride; }
};

template <typename T>
Rows<T> rows_of(const at::Tensor& t) {
  const int64_t channels = t.size(1);
  const bool is_dense =
      (channels == 1 || t.stride(1) == 1) && (t.size(3) == 1 || t.stride(3) == channels);
  if (!is_dense) throw InternalError("a tile's pixels do not lie one after the other");
  return {static_cast<T*>(t.data_ptr()), t.size(2), t.size(3), channels, t.stride(2)};
}

template <typename T>
std::vector<T> as(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

/// A norm's numbers in the values' type, one a channel.
template <typename T>
struct Affine {
  Affine(const NormValues& norm, size_t channels)
      : mean(as<T>(norm.mean)), scale(channels), bias(as<T>(norm.bias)) {
    for (size_t c = 0; c < channels; ++c) {
      scale[c] = static_cast<T>(norm.weight[c] * norm.inverse_deviation[c]);
    }
  }
  std::vector<T> mean;
  std::vector<T> scale;
  std::vector<T> bias;
};

template <typename T, typename Change>
void change_rows(const Rows<T>& from, const Rows<T>& onto, Change change) {
  const auto channels = static_cast<size_t>(from.channels);
  for (int64_t y = 0; y < from.rows; ++y) {
    const T* in = from.row(y);
    T* out = onto.row(y);
    for (int64_t x = 0; x < from.cols; ++x, in += channels, out += channels) {
      for (size_t c = 0; c < channels; ++c) out[c] = change(in[c], c);
    }
  }
}

template <typename T>
void read_rows(const Rows<T>& from, const NormValues* norm, bool relu, const Rows<T>& onto) {
  if (norm == nullptr) {
    if (relu) {
      change_rows(from, onto, [](T y, size_t) { return y > T(0) ? y : T(0); });
    } else {
      change_rows(from, onto, [](T y, size_t) { return y; });
    }
    return;
  }
  const Affine<T> affine(*norm, static_cast<size_t>(from.channels));
  const T* mean = affine.mean.data();
  const T* scale = affine.scale.data();
  const T* bias = affine.bias.data();
  if (relu) {
    change_rows(from, onto, [=](T y, size_t c) {
      const T z = (y - mean[c]) * scale[c] + bias[c];
      return z > T(0) ? z : T(0);
    });
  } else {
    change_rows(from, onto, [=](T y, size_t c) { return (y - mean[c]) * scale[c] + bias[c]; });
  }
}

template <typename T>
TileMoments moments_of(const Rows<T>& y) {
  const auto channels = static_cast<size_t>(y.channels);
  TileMoments moments{y.rows * y.cols, std::vector<double>(channels, 0.0),
                      std::vector<double>(channels, 0.0)};
  const auto visit = [&](auto add) {
    for (int64_t row = 0; row < y.rows; ++row) {
      const T* values = y.row(row);
      for (int64_t x = 0; x < y.cols; ++x, values += channels) {
        for (size_t c = 0; c < channels; ++c) add(static_cast<double>(values[c]), c);
      }
    }
  };
  double* mean = moments.mean.data();
  double* squares = moments.squares.data();
  visit([mean](double value, size_t c) { mean[c] += value; });
  for (double& m : moments.mean) m /= static_cast<double>(moments.count);
  visit([mean, squares](double value, size_t c) {
    squares[c] += (value - mean[c]) * (value - mean[c]);
  });
  return moments;
}

template <typename T>
NormGradientSums mask_rows(const Rows<T>& y, const NormValues* norm, bool relu,
                           const Rows<T>& gradient) {
  const auto channels = static_cast<size_t>(y.channels);
  NormGradientSums sums{std::vector<double>(channels, 0.0), std::vector<double>(channels, 0.0)};
  NormValues identity;
  if (norm == nullptr) {
    identity = {std::vector<double>(channels, 0.0), std::vector<double>(channels, 1.0),
                std::vector<double>(channels, 1.0), std::vector<double>(channels, 0.0)};
  }
  const NormValues& used = norm == nullptr ? identity : *norm;
  const Affine<T> affine(used, channels);
  const T* mean = affine.mean.data();
  const T* scale = affine.scale.data();
  const T* bias = affine.bias.data();
  double* gradient_sum = sums.gradient.data();
  double* product_sum = sums.product.data();
  for (int64_t row = 0; row < y.rows; ++row) {
    const T* in = y.row(row);
    T* g = gradient.row(row);
    for (int64_t x = 0; x < y.cols; ++x, in += channels, g += channels) {
      for (size_t c = 0; c < channels; ++c) {
        const T centred = in[c] - mean[c];
        const bool is_cut = relu && !(centred * scale[c] + bias[c] > T(0));
        const T kept = is_cut ? T(0) : g[c];
        g[c] = kept;
        gradient_sum[c] += static_cast<double>(kept);
        product_sum[c] += static_cast<double>(kept) * static_cast<double>(centred);
      }
    }
  }
  for (size_t c = 0; c < channels; ++c) product_sum[c] *= used.inverse_deviation[c];
  return sums;
}

template <typename T>
void norm_back_rows(const Rows<T>& y, const NormValues& norm, const std::vector<double>& gradient,
                    const std::vector<double>& product, const Rows<T>& g) {
  const auto channels = static_cast<size_t>(y.channels);
  const Affine<T> affine(norm, channels);
  std::vector<T> shift(channels, T(0));
  std::vector<T> slope(channels, T(0));
  for (size_t c = 0; c < channels && !gradient.empty(); ++c) {
    shift[c] = static_cast<T>(gradient[c]);
    slope[c] = static_cast<T>(product[c] * norm.inverse_deviation[c]);
  }
  const T* mean = affine.mean.data();
  const T* scale = affine.scale.data();
  for (int64_t row = 0; row < y.rows; ++row) {
    const T* in = y.row(row);
    T* out = g.row(row);
    for (int64_t x = 0; x < y.cols; ++x, in += channels, out += channels) {
      for (size_t c = 0; c < channels; ++c) {
        out[c] = scale[c] * (out[c] - shift[c] - (in[c] - mean[c]) * slope[c]);
      }
    }
  }
}

}  // namespace

void read_values(const at::Tensor& y, const NormValues* norm, bool relu, const at::Tensor& onto) {
  AT_DISPATCH_FLOATING_TYPES(y.scalar_type(), "read_values", [&] {
    read_rows(rows_of<scalar_t>(y), norm, relu, rows_of<scalar_t>(onto));
  });
}

TileMoments tile_moments(const at::Tensor& y) {
  TileMoments moments;
  AT_DISPATCH_FLOATING_TYPES(y.scalar_type(), "tile_moments",
                             [&] { moments = moments_of(rows_of<scalar_t>(y)); });
  return moments;
}

NormGradientSums mask_gradient(const at::Tensor& y, const NormValues* norm, bool relu,
                               const at::Tensor& gradient) {
  NormGradientSums sums;
  AT_DISPATCH_FLOATING_TYPES(y.scalar_type(), "mask_gradient", [&] {
    sums = mask_rows(rows_of<scalar_t>(y), norm, relu, rows_of<scalar_t>(gradient));
  });
  return sums;
}

void norm_backward(const at::Tensor& y, const NormValues& norm,
                   const std::vector<double>& mean_gradient,
                   const std::vector<double>& mean_product, const at::Tensor& gradient) {
  AT_DISPATCH_FLOATING_TYPES(y.scalar_type(), "norm_backward", [&] {
    norm_back_rows(rows_of<scalar_t>(y), norm, mean_gradient, mean_product,
                   rows_of<scalar_t>(gradient));
  });
}

}  // namespace untiled
