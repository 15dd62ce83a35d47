#include "data/tissue/surface.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/blocks.h"

namespace untiled {
namespace {

/// What the accepted blocks have beside `fitted`, smoothed over `sigma` blocks; `trust` is the
/// weight of there being none, so that the correction fades where no accepted block is near.
cv::Mat smoothed_rest(const cv::Mat& mean, const cv::Mat& fitted, const cv::Mat& accepted,
                      double sigma, double trust) {
  const auto smooth = [sigma](const cv::Mat& image) {
    cv::Mat blurred;
    cv::GaussianBlur(image, blurred, {0, 0}, sigma, sigma, cv::BORDER_CONSTANT);
    return blurred;
  };
  cv::Mat weight;
  accepted.convertTo(weight, CV_32F, 1 / 255.0);
  cv::Mat weights;
  cv::merge(std::vector<cv::Mat>(3, weight), weights);
  const cv::Mat rest = smooth((mean - fitted).mul(weights));
  cv::Mat total;
  const cv::Mat one = smooth(weight) + trust;
  cv::merge(std::vector<cv::Mat>(3, one), total);
  return rest / total;
}

}  // namespace

cv::Mat fit_polynomial(const cv::Mat& mean, const cv::Mat& accepted, const cv::Vec3f& colour) {
  constexpr double kRidge = 1e-5;
  const auto terms_at = [&](int row, int col) {
    const double x = static_cast<double>(col) / mean.cols - 0.5;
    const double y = static_cast<double>(row) / mean.rows - 0.5;
    return cv::Vec6d(1, x, y, x * x, y * y, x * y);
  };
  cv::Vec6d sum;
  cv::Vec6d squares;
  cv::Matx<double, 6, 6> normal;
  cv::Matx<double, 6, 3> right;
  cv::Vec3f low = cv::Vec3f::all(1e9F);
  cv::Vec3f high = cv::Vec3f::all(-1e9F);
  double count = 0;
  for (int row = 0; row < mean.rows; ++row) {
    for (int col = 0; col < mean.cols; ++col) {
      if (accepted.at<uint8_t>(row, col) == 0) continue;
      const cv::Vec6d terms = terms_at(row, col);
      const auto& value = mean.at<cv::Vec3f>(row, col);
      const cv::Vec3d rest = value - colour;
      normal += terms * terms.t();
      right += terms * rest.t();
      sum += terms;
      squares += terms.mul(terms);
      count += 1;
      for (int i = 0; i < 3; ++i) {
        low[i] = std::min(low[i], value[i]);
        high[i] = std::max(high[i], value[i]);
      }
    }
  }
  const auto deviation = [&](int term) {
    return std::sqrt(std::max(0.0, squares[term] / count - std::pow(sum[term] / count, 2)));
  };
  const double reach = std::min(deviation(1), deviation(2));
  const int terms = reach > 0.2 ? 6 : reach > 0.12 ? 3 : 1;
  for (int i = 0; i < 6; ++i) normal(i, i) += i == 0 ? 1e-9 : kRidge * count;
  cv::Mat factors;
  cv::solve(cv::Mat(normal)(cv::Rect(0, 0, terms, terms)), cv::Mat(right)(cv::Rect(0, 0, 3, terms)),
            factors, cv::DECOMP_CHOLESKY);
  cv::Mat fitted(mean.size(), CV_32FC3);
  for (int row = 0; row < mean.rows; ++row) {
    for (int col = 0; col < mean.cols; ++col) {
      const cv::Vec6d at = terms_at(row, col);
      cv::Vec3f value = colour;
      for (int i = 0; i < 3; ++i) {
        for (int t = 0; t < terms; ++t) {
          value[i] += static_cast<float>(at[t] * factors.at<double>(t, i));
        }
        value[i] = std::clamp(value[i], low[i] - 2, high[i] + 2);
      }
      fitted.at<cv::Vec3f>(row, col) = value;
    }
  }
  return fitted;
}

cv::Mat fit_surface(const cv::Mat& mean, const cv::Mat& accepted, const cv::Vec3f& colour) {
  constexpr double kFar = 0.1;
  constexpr double kNear = 1.0;
  const cv::Mat fitted = fit_polynomial(mean, accepted, colour);
  cv::Mat wide =
      fitted + smoothed_rest(mean, fitted, accepted, kFar * std::max(mean.rows, mean.cols), 1e-3);
  // Over a dark background that might be dim tissue.
  if (channel_mean(colour) < kDarkestBright) return wide;
  return wide + smoothed_rest(mean, wide, accepted, kNear, 0.02);
}

}  // namespace untiled
