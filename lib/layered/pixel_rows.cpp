#include "lib/layered/pixel_rows.h"

#include <ATen/Dispatch.h>

#include <optional>

#include "lib/layered/tile_rows.h"
#include "lib/layered/value_rows.h"

namespace untiled {
namespace {

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
  ChannelAffine<T> view() const { return {mean.data(), scale.data(), bias.data()}; }

  std::vector<T> mean;
  std::vector<T> scale;
  std::vector<T> bias;
};

template <typename T>
RowSize size_of(const TileRows<T>& rows) {
  return {rows.cols, rows.channels};
}

template <typename T>
void read_rows(const TileRows<T>& from, const NormValues* norm, bool relu,
               const TileRows<T>& onto) {
  std::optional<Affine<T>> affine;
  if (norm != nullptr) affine.emplace(*norm, static_cast<size_t>(from.channels));
  const auto view = affine ? affine->view() : ChannelAffine<T>{};
  for (int64_t y = 0; y < from.rows; ++y) {
    value_rows(T()).read(size_of(from), from.row(y), affine ? &view : nullptr, relu, onto.row(y));
  }
}

/// Moments of some values with those of others: Chan, Golub and LeVeque 1983, equations 2.1.
void merge(TileMoments& all, int64_t count, const std::vector<double>& mean,
           const std::vector<double>& squares) {
  const auto before = static_cast<double>(all.count);
  const auto added = static_cast<double>(count);
  all.count += count;
  const auto after = static_cast<double>(all.count);
  for (size_t c = 0; c < mean.size(); ++c) {
    const double off = mean[c] - all.mean[c];
    all.mean[c] += off * (added / after);
    all.squares[c] += squares[c] + off * off * (before * added / after);
  }
}

template <typename T>
TileMoments moments_of(const TileRows<T>& y) {
  const auto channels = static_cast<size_t>(y.channels);
  TileMoments moments{0, std::vector<double>(channels, 0.0), std::vector<double>(channels, 0.0)};
  std::vector<double> mean(channels);
  std::vector<double> squares(channels);
  for (int64_t row = 0; row < y.rows && y.cols > 0; ++row) {
    value_rows(T()).moments(size_of(y), y.row(row), mean.data(), squares.data());
    merge(moments, y.cols, mean, squares);
  }
  return moments;
}

NormValues identity_norm(size_t channels) {
  return {std::vector<double>(channels, 0.0), std::vector<double>(channels, 1.0),
          std::vector<double>(channels, 1.0), std::vector<double>(channels, 0.0)};
}

template <typename T>
NormGradientSums mask_rows(const TileRows<T>& y, const NormValues* norm, bool relu,
                           const TileRows<T>& gradient) {
  const auto channels = static_cast<size_t>(y.channels);
  NormGradientSums sums{std::vector<double>(channels, 0.0), std::vector<double>(channels, 0.0)};
  const NormValues used = norm == nullptr ? identity_norm(channels) : *norm;
  const Affine<T> affine(used, channels);
  for (int64_t row = 0; row < y.rows; ++row) {
    value_rows(T()).mask(size_of(y), y.row(row), affine.view(), relu, gradient.row(row),
                         sums.gradient.data(), sums.product.data());
  }
  for (size_t c = 0; c < channels; ++c) sums.product[c] *= used.inverse_deviation[c];
  return sums;
}

template <typename T>
void norm_back_rows(const TileRows<T>& y, const NormValues& norm,
                    const std::vector<double>& gradient, const std::vector<double>& product,
                    const TileRows<T>& from, const TileRows<T>& onto) {
  const auto channels = static_cast<size_t>(y.channels);
  const Affine<T> affine(norm, channels);
  std::vector<T> shift(channels, T(0));
  std::vector<T> slope(channels, T(0));
  for (size_t c = 0; c < channels && !gradient.empty(); ++c) {
    shift[c] = static_cast<T>(gradient[c]);
    slope[c] = static_cast<T>(product[c] * norm.inverse_deviation[c]);
  }
  for (int64_t row = 0; row < y.rows; ++row) {
    value_rows(T()).back(size_of(y), y.row(row), from.row(row), affine.view(), shift.data(),
                         slope.data(), onto.row(row));
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
                   const std::vector<double>& mean_product, const at::Tensor& gradient,
                   const at::Tensor& onto) {
  AT_DISPATCH_FLOATING_TYPES(y.scalar_type(), "norm_backward", [&] {
    norm_back_rows(rows_of<scalar_t>(y), norm, mean_gradient, mean_product,
                   rows_of<scalar_t>(gradient), rows_of<scalar_t>(onto));
  });
}

}  // namespace untiled
