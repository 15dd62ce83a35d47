#include "data/tissue/background.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/quantile.h"

namespace untiled {
namespace {

/// Darker than this no background is bright.
constexpr float kDarkest = 72;
constexpr double kLeastPart = 0.015;  ///< Of the blocks, that a bright background has.
constexpr float kSpreadOfGlass = 70;  ///< Largest minus smallest channel.

/// Statistics of the picture's blocks, one a pixel.
struct Blocks {
  int side = 8;
  cv::Mat mean;       ///< CV_32FC3
  cv::Mat deviation;  ///< CV_32F, mean of the channels'.
  cv::Mat grey;       ///< CV_32F, mean of the channels.
  cv::Mat spread;     ///< CV_32F, largest minus smallest channel.
  cv::Mat slope;      ///< CV_32F, from the mean of its neighbours.
  cv::Mat with_data;  ///< 0 and 255.
  int count = 0;      ///< With data.

  /// How far the blocks' colour, whatever their brightness, is from another, grey levels.
  cv::Mat colour_distance(const cv::Vec3f& other) const;
};

/// Largest over the channels.
cv::Mat channel_max(const cv::Mat& image) {
  std::vector<cv::Mat> c;
  cv::split(image, c);
  return cv::max(cv::max(c[0], c[1]), c[2]);
}

cv::Mat channel_mean(const cv::Mat& image) {
  cv::Mat mean;
  cv::transform(image, mean, cv::Matx13f(1 / 3.0F, 1 / 3.0F, 1 / 3.0F));
  return mean;
}

cv::Mat Blocks::colour_distance(const cv::Vec3f& other) const {
  const float level = (other[0] + other[1] + other[2]) / 3;
  cv::Mat shade;
  cv::merge(std::vector<cv::Mat>(3, cv::max(grey, 1.0) / level), shade);
  cv::Mat distance = mean / shade - cv::Scalar(other[0], other[1], other[2]);
  cv::transform(distance.mul(distance), distance, cv::Matx13f(1, 1, 1));
  cv::sqrt(distance, distance);
  return distance;
}

/// The variance that an even slope has within a block, of slopes as uneven light has them.
cv::Mat variance_of_slope(const cv::Mat& mean) {
  constexpr float kSteepest = 16;  // Grey levels a block: edges of tissue are steeper.
  cv::Mat across;
  cv::Mat down;
  cv::filter2D(mean, across, CV_32F, cv::Matx13f(-0.5F, 0, 0.5F), {-1, -1}, 0,
               cv::BORDER_REPLICATE);
  cv::filter2D(mean, down, CV_32F, cv::Matx31f(-0.5F, 0, 0.5F), {-1, -1}, 0, cv::BORDER_REPLICATE);
  cv::Mat squares = across.mul(across) + down.mul(down);
  squares.setTo(0, channel_max(squares) > kSteepest * kSteepest);
  return squares / 12;
}

Blocks blocks_of(const cv::Mat& rgb, const cv::Mat& valid) {
  constexpr int kSmallPicture = 160'000;
  Blocks b;
  b.side = rgb.rows * rgb.cols >= kSmallPicture ? 8 : 4;
  const cv::Size size(rgb.cols / b.side, rgb.rows / b.side);
  const cv::Rect whole(0, 0, size.width * b.side, size.height * b.side);
  if (size.empty()) return b;
  cv::Mat picture;
  rgb(whole).convertTo(picture, CV_32FC3);
  cv::Mat square;
  cv::resize(picture, b.mean, size, 0, 0, cv::INTER_AREA);
  cv::resize(picture.mul(picture), square, size, 0, 0, cv::INTER_AREA);
  // Less than a slope has is no slope either.
  cv::Mat variance = cv::abs(square - b.mean.mul(b.mean) - variance_of_slope(b.mean));
  cv::sqrt(variance, variance);
  b.deviation = channel_mean(variance);
  b.grey = channel_mean(b.mean);
  b.spread = channel_max(b.mean) + channel_max(-b.mean);
  cv::Mat around;
  cv::blur(b.mean, around, {3, 3});
  b.slope = channel_max(cv::abs(b.mean - around));
  cv::Mat part;
  valid(whole).convertTo(part, CV_32F);
  cv::resize(part, part, size, 0, 0, cv::INTER_AREA);
  b.with_data = part > 0.999;
  b.count = cv::countNonZero(b.with_data);
  return b;
}

/// Which blocks may be background, and how that is judged.
struct Candidates {
  bool bright = true;
  double noise = 0;
  cv::Mat flat;
  cv::Mat may_be;
  cv::Mat may_join;  ///< Also in deep shade.
};

Candidates candidates_of(const Blocks& b) {
  constexpr double kLeastNoise = 0.4;
  constexpr double kMostNoise = 8;
  constexpr double kBrightGlass = 100;
  constexpr double kDeepestShade = 12;
  constexpr double kLeastLit = 0.1;
  Candidates c;
  // Noise is the light's: what lies in the dark around a lit field has less.
  const cv::Mat light = b.with_data & (b.grey > kBrightGlass) & (b.spread < kSpreadOfGlass);
  const bool is_lit = cv::countNonZero(light) > kLeastLit * b.count;
  c.noise = std::max(kLeastNoise,
                     quantile(values_where(b.deviation, is_lit ? light : b.with_data), 0.02));
  const double smooth = std::max(2 * c.noise, c.noise + 1);
  c.flat = b.with_data & (b.deviation < std::min(smooth, kMostNoise));
  const cv::Mat glass = c.flat & (b.grey > kBrightGlass) & (b.spread < kSpreadOfGlass);
  c.bright = cv::countNonZero(glass) >= std::max(3.0, kLeastPart * b.count) ||
             cv::mean(b.grey, b.with_data)[0] > kBrightGlass;
  c.may_be = c.bright ? cv::Mat(c.flat & (b.grey > kDarkest))
                      : cv::Mat(b.with_data & (b.grey < kDarkest) & (b.deviation < smooth));
  c.may_join = c.bright ? cv::Mat(c.flat & (b.grey > kDeepestShade)) : c.may_be;
  return c;
}

/// One connected piece of candidates.
struct Piece {
  cv::Mat area;
  double size = 0;
  double noise = 0;   ///< Median deviation.
  double light = 0;   ///< Upper quartile of grey; dark pictures: the median.
  double weight = 0;  ///< Its size, less for a coloured one.
};

std::vector<Piece> pieces_of(const Blocks& b, const Candidates& c) {
  constexpr float kBrightSlope = 2.5F;
  constexpr float kDarkSlope = 1.0F;
  constexpr double kSpreadThatHalves = 30;
  cv::Mat labels;
  const cv::Mat even = c.may_be & (b.slope < (c.bright ? kBrightSlope : kDarkSlope));
  const int count = cv::connectedComponents(even, labels, 4, CV_32S);
  std::vector<int> sizes(static_cast<size_t>(count), 0);
  for (const int label : cv::Mat_<int>(labels)) ++sizes[static_cast<size_t>(label)];
  // Pieces below the least size matter only where there is no other.
  const double least = std::max(3.0, (c.bright ? kLeastPart / 2 : 0.01) * b.count);
  const int largest =
      static_cast<int>(std::max_element(sizes.begin() + 1, sizes.end()) - sizes.begin());
  std::vector<Piece> pieces;
  for (int i = 1; i < count; ++i) {
    if (sizes[static_cast<size_t>(i)] < least && i != largest) continue;
    Piece piece;
    piece.area = labels == i;
    piece.size = sizes[static_cast<size_t>(i)];
    piece.noise = quantile(values_where(b.deviation, piece.area), 0.5);
    piece.light = quantile(values_where(b.grey, piece.area), c.bright ? 0.75 : 0.5);
    const double spread = cv::mean(b.spread, piece.area)[0];
    piece.weight = piece.size / (1 + spread / kSpreadThatHalves);
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

/// Glass is as smooth as anything in the picture, and the brightest of what is.
const Piece* brightest(const std::vector<Piece>& pieces, int blocks) {
  constexpr double kAlike = 12;  // Grey levels.
  std::vector<const Piece*> large;
  const Piece* heaviest = nullptr;
  for (const Piece& piece : pieces) {
    if (piece.weight >= std::max(3.0, kLeastPart * blocks)) large.push_back(&piece);
    if (heaviest == nullptr || piece.weight > heaviest->weight) heaviest = &piece;
  }
  if (large.empty()) return heaviest;
  double least_noise = large.front()->noise;
  for (const Piece* piece : large) least_noise = std::min(least_noise, piece->noise);
  std::erase_if(large, [&](const Piece* p) { return p->noise > 1.5 * least_noise + 0.5; });
  double light = 0;
  for (const Piece* piece : large) light = std::max(light, piece->light);
  std::erase_if(large, [&](const Piece* p) { return p->light < light - kAlike; });
  return *std::max_element(large.begin(), large.end(),
                           [](const Piece* p, const Piece* q) { return p->weight < q->weight; });
}

const Piece* darkest(const std::vector<Piece>& pieces) {
  const auto found =
      std::min_element(pieces.begin(), pieces.end(),
                       [](const Piece& p, const Piece& q) { return p.light < q.light; });
  return found == pieces.end() ? nullptr : &*found;
}

/// A polynomial of the place, of order 0 to 2 as the accepted blocks spread, in each channel.
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

/// The polynomial and, smoothed over a tenth of the picture, what it leaves over; near accepted
/// blocks also what both leave, for the dark rim of a photograph is steep.
cv::Mat fit_surface(const cv::Mat& mean, const cv::Mat& accepted, const cv::Vec3f& colour) {
  constexpr double kFar = 0.1;
  constexpr double kNear = 1.0;
  const cv::Mat fitted = fit_polynomial(mean, accepted, colour);
  cv::Mat wide =
      fitted + smoothed_rest(mean, fitted, accepted, kFar * std::max(mean.rows, mean.cols), 1e-3);
  // Over a dark background that might be dim tissue.
  if ((colour[0] + colour[1] + colour[2]) / 3 < kDarkest) return wide;
  return wide + smoothed_rest(mean, wide, accepted, kNear, 0.02);
}

/// Where values fall into two groups with a gap between them, the gap's middle.
std::optional<double> gap_between(std::vector<float> values) {
  constexpr double kLeastGroup = 0.03;
  constexpr double kSeparated = 0.78;  // Between groups, of the variance; 0.64 of one normal group.
  constexpr double kMiddle = 0.2;      // Of the distance between the groups' means.
  constexpr double kMostInMiddle = 0.35;  // Of how many an even spread would have there.
  std::sort(values.begin(), values.end());
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  double squares = 0;
  for (const float v : values) {
    sum += v;
    squares += double(v) * v;
  }
  const double variance = squares / count - std::pow(sum / count, 2);
  double best = 0;
  double low = 0;
  double high = 0;
  double below = 0;
  for (size_t i = 0; i + 1 < values.size(); ++i) {
    below += values[i];
    const double part = static_cast<double>(i + 1) / count;
    const double first = below / static_cast<double>(i + 1);
    const double second = (sum - below) / (count - static_cast<double>(i + 1));
    const double between = part * (1 - part) * std::pow(first - second, 2);
    if (part < kLeastGroup || part > 1 - kLeastGroup || between <= best) continue;
    best = between;
    low = first;
    high = second;
  }
  if (best < kSeparated * variance || variance <= 0) return std::nullopt;
  const double middle = (low + high) / 2;
  const double reach = kMiddle / 2 * (high - low);
  const auto from = std::lower_bound(values.begin(), values.end(), middle - reach);
  const auto to = std::upper_bound(values.begin(), values.end(), middle + reach);
  const bool is_gap = static_cast<double>(to - from) < kMostInMiddle * kMiddle * count;
  return is_gap ? std::optional<double>(middle) : std::nullopt;
}

/// Grows the accepted blocks over those that agree with the surface through them.
class Growth {
 public:
  Growth(const Blocks& b, const Candidates& c, const Piece& piece)
      : b_(b), c_(c), start_(piece.area.clone()) {
    c_.may_be = c.may_be.clone();
    c_.may_join = c.may_join.clone();
    if (!c.bright) {
      start_ &= b.grey <= quantile(values_where(b.grey, start_), 0.5);
    }
    for (int i = 0; i < 3; ++i) {
      cv::Mat channel;
      cv::extractChannel(b.mean, channel, i);
      colour_[i] = static_cast<float>(quantile(values_where(channel, start_), 0.5));
    }
    start_is_quantised_ = is_quantised(start_);
  }

  Background run() {
    Background found = grow();
    // Faint tissue may agree with the glass and yet be a group of its own.
    const cv::Mat other = other_group(found.blocks * 255);
    if (other.empty()) return found;
    start_ &= ~other;
    c_.may_be &= ~other;
    c_.may_join &= ~other;
    for (int i = 0; i < 3; ++i) {
      cv::Mat channel;
      cv::extractChannel(b_.mean, channel, i);
      colour_[i] = static_cast<float>(quantile(values_where(channel, start_), 0.5));
    }
    return grow();
  }

 private:
  Background grow() {
    constexpr int kRounds = 8;
    constexpr int kRoundsWithStart = 3;
    Background found;
    // Too few blocks for a surface, as on a picture of some pixels, have one colour.
    found.surface =
        cv::Mat(b_.mean.size(), CV_32FC3, cv::Scalar(colour_[0], colour_[1], colour_[2]));
    cv::Mat accepted = start_;
    for (int round = 0; round < kRounds && cv::countNonZero(accepted) >= 3; ++round) {
      found.surface = fit_surface(b_.mean, accepted, colour_);
      accepted = agreeing(found.surface, accepted, round < kRounds - 2);
      if (round < kRoundsWithStart) accepted |= start_;
    }
    found.blocks = accepted / 255;
    found.flat = c_.flat / 255;
    found.block = b_.side;
    found.colour = colour_;
    found.noise = c_.noise;
    found.is_quantised = cv::countNonZero(accepted) > 0 && is_quantised(accepted);
    found.covered = static_cast<double>(cv::countNonZero(accepted)) / b_.count;
    constexpr double kClearly = 15;
    const cv::Mat brighter = b_.with_data & (b_.grey > channel_mean(found.surface) + kClearly);
    found.brighter = static_cast<double>(cv::countNonZero(brighter)) / b_.count;
    return found;
  }

  /// Blocks of the group among the accepted ones that is not glass: more coloured and darker, or
  /// over a dark background brighter. Empty where there is one group.
  cv::Mat other_group(const cv::Mat& accepted) const {
    constexpr double kLeastStep = 1.2;
    constexpr double kCoherent = 0.6;
    const cv::Mat measure = c_.bright ? b_.colour_distance(colour_) : b_.grey;
    const std::vector<float> values = values_where(measure, accepted);
    if (values.size() < 50) return {};
    const std::optional<double> gap = gap_between(values);
    if (!gap) return {};
    cv::Mat other = accepted & (measure > *gap);
    const cv::Mat rest = accepted & ~other;
    if (cv::mean(measure, other)[0] - cv::mean(measure, rest)[0] < kLeastStep) return {};
    cv::Mat coherent;
    cv::morphologyEx(other, coherent, cv::MORPH_OPEN, cv::Mat::ones(3, 3, CV_8U));
    if (cv::countNonZero(coherent) < kCoherent * cv::countNonZero(other)) return {};
    if (c_.bright && cv::mean(b_.grey, other)[0] > cv::mean(b_.grey, rest)[0]) return {};
    if (cv::countNonZero(start_ & ~other) < 3) return {};
    return measure > *gap;
  }

  bool is_quantised(const cv::Mat& area) const {
    constexpr double kNoNoise = 0.15;
    return quantile(values_where(b_.deviation, area), 0.5) < kNoNoise;
  }

  /// Blocks whose channels are all of the same part of the background's.
  cv::Mat is_shaded() const {
    constexpr double kMostTint = 0.012;
    constexpr double kLighter = 1.1;
    constexpr double kRounding = 1.5 / 255;
    std::vector<cv::Mat> parts;
    cv::split(b_.mean, parts);
    for (int i = 0; i < 3; ++i) {
      parts[static_cast<size_t>(i)] /= std::max(1.0F, colour_[i]);
    }
    const cv::Mat most = cv::max(cv::max(parts[0], parts[1]), parts[2]);
    const cv::Mat least = cv::min(cv::min(parts[0], parts[1]), parts[2]);
    return (most - least < 2 * kMostTint * most + kRounding) & (most < kLighter);
  }

  cv::Mat agreeing(const cv::Mat& surface, const cv::Mat& accepted, bool growing) const {
    const cv::Mat error = b_.mean - surface;
    if (!c_.bright) {
      return c_.may_be & (channel_max(cv::abs(error)) < std::max(1.5, 0.5 * c_.noise));
    }
    const double level = (colour_[0] + colour_[1] + colour_[2]) / 3;
    const cv::Mat grey = channel_mean(error);
    cv::Mat greys;
    cv::merge(std::vector<cv::Mat>(3, grey), greys);
    const cv::Mat colour = channel_max(cv::abs(error - greys));
    const cv::Mat lightness = cv::abs(grey);
    const double alike = start_is_quantised_ && growing ? 0.03 : 0.02;
    cv::Mat agree = c_.may_be & (lightness < alike * level) & (colour < 0.02 * level);
    if (!growing) return agree | (accepted & c_.may_join & is_shaded());
    // And what is joined to the accepted blocks without an edge: of nearly their colour, or of the
    // same colour in any shade, as the dark rim of a photograph.
    const cv::Mat alike_in_colour = (lightness < 0.04 * level) & (colour < 0.03 * level);
    const cv::Mat joined = c_.may_join & (b_.slope < (start_is_quantised_ ? 6.0 : 3.0)) &
                           (alike_in_colour | is_shaded());
    cv::Mat labels;
    const int count = cv::connectedComponents(joined, labels, 4, CV_32S);
    std::vector<bool> touched(static_cast<size_t>(count), false);
    for (int row = 0; row < labels.rows; ++row) {
      for (int col = 0; col < labels.cols; ++col) {
        if (accepted.at<uint8_t>(row, col) == 0) continue;
        touched[static_cast<size_t>(labels.at<int>(row, col))] = true;
      }
    }
    touched[0] = false;
    for (int row = 0; row < labels.rows; ++row) {
      for (int col = 0; col < labels.cols; ++col) {
        if (touched[static_cast<size_t>(labels.at<int>(row, col))]) {
          agree.at<uint8_t>(row, col) = 255;
        }
      }
    }
    return agree;
  }

  const Blocks& b_;
  Candidates c_;
  cv::Mat start_;
  cv::Vec3f colour_;
  bool start_is_quantised_ = false;
};

}  // namespace

bool Background::is_dark() const { return (colour[0] + colour[1] + colour[2]) / 3 < kDarkest; }

double Background::colour_spread() const {
  return std::max({colour[0], colour[1], colour[2]}) - std::min({colour[0], colour[1], colour[2]});
}

std::optional<Background> find_background(const cv::Mat& rgb, const cv::Mat& valid) {
  constexpr double kLeastStart = 0.002;
  const Blocks blocks = blocks_of(rgb, valid);
  if (blocks.count < 4) return std::nullopt;
  const Candidates candidates = candidates_of(blocks);
  const std::vector<Piece> pieces = pieces_of(blocks, candidates);
  const Piece* start = candidates.bright ? brightest(pieces, blocks.count) : darkest(pieces);
  if (start == nullptr || start->size < std::max(3.0, kLeastStart * blocks.count)) {
    return std::nullopt;
  }
  return Growth(blocks, candidates, *start).run();
}

}  // namespace untiled
