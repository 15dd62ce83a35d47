#include "data/tissue/fat_net.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/fat.h"
#include "data/tissue/mask_shapes.h"
#include "data/tissue/quantile.h"

namespace untiled {
namespace {

/// How far each pixel is above the wide parts around it.
cv::Mat ridges_of(const cv::Mat& strength, double um) {
  constexpr double kWallRadiusUm = 32;
  cv::Mat wide;
  cv::morphologyEx(strength, wide, cv::MORPH_OPEN, disk(kWallRadiusUm / um));
  return strength - wide;
}

/// Thin lines that stand out from both of their sides by more than the background's noise does, and
/// by a good part of what they are: the texture of tissue is the lesser part of it.
cv::Mat find_lines(const NetEvidence& evidence) {
  constexpr double kLeastRidge = 1.5;
  constexpr double kAboveNoise = 1.3;
  constexpr double kPart = 0.35;
  const cv::Mat ridges = ridges_of(evidence.total, evidence.um);
  const double noise =
      evidence.seen.empty() ? 0 : quantile(values_where(ridges, evidence.seen, 7), 0.95);
  const double least = std::max(kLeastRidge, kAboveNoise * noise);
  cv::Mat lines = ((ridges > least) & (ridges > kPart * evidence.total)) / 255;
  lines.setTo(0, evidence.except);
  return lines;
}

/// Sums over pixels.
struct Sums {
  double pixels = 0;
  double lines = 0;
  double total = 0;
  double light = 0;
  double colour = 0;
};

/// An area that lines or tissue go round.
struct Cell {
  Sums inside;
  Sums rim;  ///< Of the pixels around it, as often as they touch one of its own.
  bool at_edge = false;
};

/// The cells, as connected areas of pixels that are neither lines nor above the threshold.
class Cells {
 public:
  explicit Cells(const NetEvidence& evidence) : evidence_(evidence), lines_(find_lines(evidence)) {
    const int count = cv::connectedComponents(1 - (lines_ | evidence.above), labels_, 4, CV_32S);
    cells_.resize(static_cast<size_t>(count));
    for (int row = 0; row < labels_.rows; ++row) {
      for (int col = 0; col < labels_.cols; ++col) {
        if (labels_.at<int>(row, col) == 0) {
          add_to_rims(row, col);
        } else {
          add_inside(row, col);
        }
      }
    }
  }

  const cv::Mat& lines() const { return lines_; }

  /// 0 and 1: cells as those of fat.
  cv::Mat of_fat() const {
    std::vector<uint8_t> chosen;
    for (const Cell& cell : cells_) chosen.push_back(is_fat(cell) ? 1 : 0);
    chosen.front() = 0;
    cv::Mat mask(labels_.size(), CV_8U);
    for (int row = 0; row < labels_.rows; ++row) {
      for (int col = 0; col < labels_.cols; ++col) {
        mask.at<uint8_t>(row, col) = chosen[static_cast<size_t>(labels_.at<int>(row, col))];
      }
    }
    return mask;
  }

 private:
  void add(int row, int col, Sums& sums) const {
    sums.pixels += 1;
    sums.lines += lines_.at<uint8_t>(row, col);
    sums.total += evidence_.total.at<float>(row, col);
    sums.light += std::abs(evidence_.light.at<float>(row, col));
    sums.colour += evidence_.colour.at<float>(row, col);
  }

  void add_inside(int row, int col) {
    Cell& cell = cells_[static_cast<size_t>(labels_.at<int>(row, col))];
    add(row, col, cell.inside);
    const bool at_edge = row == 0 || col == 0 || row == labels_.rows - 1 || col == labels_.cols - 1;
    cell.at_edge = cell.at_edge || at_edge;
  }

  void add_to_rims(int row, int col) {
    for (int y = std::max(0, row - 1); y <= std::min(labels_.rows - 1, row + 1); ++y) {
      for (int x = std::max(0, col - 1); x <= std::min(labels_.cols - 1, col + 1); ++x) {
        const int label = labels_.at<int>(y, x);
        if (label != 0) add(row, col, cells_[static_cast<size_t>(label)].rim);
      }
    }
  }

  bool is_fat(const Cell& cell) const {
    constexpr double kLeastUm2 = 1.5e3;
    constexpr double kLargestUm2 = 6.8e4;  // Two circles of the usual largest radius.
    constexpr double kLines = 0.5;         // Parts of the rim.
    constexpr double kEmpty = 0.5;
    constexpr double kColoured = 0.3;  // Of the brightness; rims of bubbles and dust have none.
    const double um2 = cell.inside.pixels * evidence_.um * evidence_.um;
    if (cell.at_edge || um2 < kLeastUm2 || um2 > kLargestUm2) {
      return false;
    }
    const Sums& rim = cell.rim;
    return rim.lines > kLines * rim.pixels && rim.colour > kColoured * rim.light &&
           cell.inside.total / cell.inside.pixels < kEmpty * rim.total / rim.pixels;
  }

  const NetEvidence& evidence_;
  cv::Mat lines_;
  cv::Mat labels_;
  std::vector<Cell> cells_;
};

/// The cells that are many side by side: a few are chance.
cv::Mat in_nets(const cv::Mat& cells, double um) {
  constexpr double kWallUm = 40;  // Half the most that is between neighbours.
  constexpr int kMany = 8;
  cv::Mat nets;
  const int count = cv::connectedComponents(grown(cells, kWallUm / um), nets, 8, CV_32S);
  cv::Mat labels;
  const int cell_count = cv::connectedComponents(cells, labels, 4, CV_32S);
  std::vector<int> net_of(static_cast<size_t>(cell_count), 0);
  for (int row = 0; row < nets.rows; ++row) {
    for (int col = 0; col < nets.cols; ++col) {
      net_of[static_cast<size_t>(labels.at<int>(row, col))] = nets.at<int>(row, col);
    }
  }
  std::vector<int> members(static_cast<size_t>(count), 0);
  for (size_t i = 1; i < net_of.size(); ++i) ++members[static_cast<size_t>(net_of[i])];
  cv::Mat kept = cells.clone();
  for (int row = 0; row < nets.rows; ++row) {
    for (int col = 0; col < nets.cols; ++col) {
      const auto net = static_cast<size_t>(nets.at<int>(row, col));
      if (members[net] < kMany) kept.at<uint8_t>(row, col) = 0;
    }
  }
  return kept;
}

}  // namespace

cv::Mat find_fat_net(const NetEvidence& evidence) {
  constexpr double kGapUm = kFatCellUm / 2;  // Wider closings reach over bays of the border.
  constexpr double kLeastRadiusUm = 88;
  const Cells cells(evidence);
  cv::Mat net = in_nets(cells.of_fat(), evidence.um);
  if (cv::countNonZero(net) == 0) return net;
  // Outermost cells are open: their walls end at nothing.
  net |= pieces_with(cells.lines(), cells.lines() & grown(net, 2));
  return opened(closed(net, kGapUm / evidence.um), kLeastRadiusUm / evidence.um);
}

}  // namespace untiled
