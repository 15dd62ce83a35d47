#include "data/tissue/background.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/blocks.h"
#include "data/tissue/panes.h"
#include "data/tissue/quantile.h"
#include "data/tissue/stained_blocks.h"
#include "data/tissue/surface.h"

namespace untiled {
namespace {

constexpr double kLeastPart = 0.015;  ///< Of the blocks, that a bright background has.
constexpr float kSpreadOfGlass = 70;  ///< Largest minus smallest channel.

/// Which blocks may be background, and how that is judged.
struct Candidates {
  bool bright = true;
  double noise = 0;
  cv::Mat flat;
  cv::Mat may_be;
  cv::Mat may_join;  ///< Also in deep shade.
};

/// Of what is nearly as bright as anything, where most of that is much less smooth than the least:
/// paper may be smoother than the glass beside it.
double noise_of_brightest(const Blocks& b, const cv::Mat& light, double least) {
  constexpr double kNearly = 20;  // Grey levels.
  constexpr double kMuchLess = 1.7;
  constexpr double kMost = 3;
  const double bright = quantile(values_where(b.grey, light), 0.95) - kNearly;
  const double usual = quantile(values_where(b.deviation, light & (b.grey > bright)), 0.3);
  return usual > kMuchLess * least && usual < kMost * least ? usual : 0;
}

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
  if (is_lit) c.noise = std::max(c.noise, noise_of_brightest(b, light, c.noise));
  const double smooth = std::max(2 * c.noise, c.noise + 1);
  c.flat = b.with_data & (b.deviation < std::min(smooth, kMostNoise));
  const cv::Mat glass = c.flat & (b.grey > kBrightGlass) & (b.spread < kSpreadOfGlass);
  c.bright = cv::countNonZero(glass) >= std::max(3.0, kLeastPart * b.count) ||
             cv::mean(b.grey, b.with_data)[0] > kBrightGlass;
  c.may_be = c.bright ? cv::Mat(c.flat & (b.grey > kDarkestBright))
                      : cv::Mat(b.with_data & (b.grey < kDarkestBright) & (b.deviation < smooth));
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

/// Glass is as smooth as anything in the picture, and the brightest of what is, but for a paper
/// label that is brighter or smoother, and much smaller.
const Piece* brightest(const std::vector<Piece>& pieces, int blocks) {
  constexpr double kAlike = 12;  // Grey levels.
  constexpr double kPaper = 50;
  constexpr double kMuchLarger = 2;
  std::vector<const Piece*> large;
  const Piece* heaviest = nullptr;
  for (const Piece& piece : pieces) {
    if (piece.weight >= std::max(3.0, kLeastPart * blocks)) large.push_back(&piece);
    if (heaviest == nullptr || piece.weight > heaviest->weight) heaviest = &piece;
  }
  if (large.empty()) return heaviest;
  const Piece* smoothest =
      *std::min_element(large.begin(), large.end(),
                        [](const Piece* p, const Piece* q) { return p->noise < q->noise; });
  std::erase_if(large, [&](const Piece* p) {
    const bool is_much_larger = p->weight > kMuchLarger * smoothest->weight;
    return p->noise > (is_much_larger ? 3 : 1.5) * smoothest->noise + 0.5;
  });
  const Piece* lightest =
      *std::max_element(large.begin(), large.end(),
                        [](const Piece* p, const Piece* q) { return p->light < q->light; });
  std::erase_if(large, [&](const Piece* p) {
    const bool is_much_larger = p->weight > kMuchLarger * lightest->weight;
    return p->light < lightest->light - (is_much_larger ? kPaper : kAlike);
  });
  return *std::max_element(large.begin(), large.end(),
                           [](const Piece* p, const Piece* q) { return p->weight < q->weight; });
}

const Piece* darkest(const std::vector<Piece>& pieces) {
  const auto found =
      std::min_element(pieces.begin(), pieces.end(),
                       [](const Piece& p, const Piece& q) { return p.light < q.light; });
  return found == pieces.end() ? nullptr : &*found;
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
    colour_ = median_colour(b.mean, start_);
    start_is_quantised_ = is_quantised(start_);
  }

  Background run() {
    Background found = grow();
    // Faint tissue may agree with the glass and yet be none.
    const cv::Mat accepted = found.blocks * 255;
    const cv::Mat other = c_.bright ? stained_blocks(b_, accepted) : brighter_group(accepted);
    if (!other.empty() && cv::countNonZero(start_ & ~other) >= 3) {
      start_ &= ~other;
      c_.may_be &= ~other;
      c_.may_join &= ~other;
      colour_ = median_colour(b_.mean, start_);
      found = grow();
    }
    if (!c_.bright) return found;
    const cv::Mat smooth = smooth_blocks(b_, found.blocks * 255);
    found.panes = other_panes(b_, found.blocks * 255, smooth);
    found.smooth = smooth / 255;
    return found;
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

  /// Over a dark background: blocks of the brighter group among the accepted ones. Empty where
  /// there is one group.
  cv::Mat brighter_group(const cv::Mat& accepted) const {
    constexpr double kLeastStep = 1.2;
    constexpr double kCoherent = 0.6;
    const std::vector<float> values = values_where(b_.grey, accepted);
    if (values.size() < 50) return {};
    const std::optional<double> gap = gap_between(values);
    if (!gap) return {};
    const cv::Mat other = accepted & (b_.grey > *gap);
    const cv::Mat rest = accepted & ~other;
    if (cv::mean(b_.grey, other)[0] - cv::mean(b_.grey, rest)[0] < kLeastStep) return {};
    cv::Mat coherent;
    cv::morphologyEx(other, coherent, cv::MORPH_OPEN, cv::Mat::ones(3, 3, CV_8U));
    if (cv::countNonZero(coherent) < kCoherent * cv::countNonZero(other)) return {};
    return b_.grey > *gap;
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
    const double level = channel_mean(colour_);
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

bool Background::is_dark() const { return channel_mean(colour) < kDarkestBright; }

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
