#include "data/tissue/tissue_pieces.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/tissue/quantile.h"

namespace untiled {
namespace {

constexpr double kSolidUm = 44;  ///< Thinner pieces must be coloured and compact.
constexpr double kLeastPieceUm2 = 6e3;

/// What is known of one piece of the mask.
struct PieceFacts {
  int label = 0;
  double pixels = 0;
  double radius = 0;  ///< Of the largest circle inside, pixels.
  double colour = 0;  ///< Sums over its pixels.
  double light = 0;
  double flat = 0;
  double smooth = 0;
  cv::Rect box;

  double colourfulness() const { return colour / std::max(1e-6, light); }
  double strength() const { return (colour + light) / std::max(1.0, pixels); }
};

class PieceFilter {
 public:
  PieceFilter(const cv::Mat& mask, const PieceEvidence& evidence)
      : dark_(evidence.dark),
        um_(evidence.um),
        size_(mask.size()),
        light_(evidence.light),
        colour_(evidence.colour),
        has_flat_(!evidence.flat.empty()),
        has_smooth_(!evidence.smooth.empty()) {
    cv::Mat stats;
    cv::Mat centroids;
    const int count = cv::connectedComponentsWithStats(mask, labels_, stats, centroids, 8, CV_32S);
    pieces_.resize(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      PieceFacts& piece = pieces_[static_cast<size_t>(i)];
      piece.label = i;
      piece.pixels = stats.at<int>(i, cv::CC_STAT_AREA);
      piece.box = {stats.at<int>(i, cv::CC_STAT_LEFT), stats.at<int>(i, cv::CC_STAT_TOP),
                   stats.at<int>(i, cv::CC_STAT_WIDTH), stats.at<int>(i, cv::CC_STAT_HEIGHT)};
    }
    cv::Mat padded;
    cv::copyMakeBorder(mask, padded, 1, 1, 1, 1, cv::BORDER_REPLICATE);
    cv::Mat distance;
    cv::distanceTransform(padded, distance, cv::DIST_L2, cv::DIST_MASK_3);
    for (int row = 0; row < mask.rows; ++row) {
      for (int col = 0; col < mask.cols; ++col) {
        PieceFacts& piece = pieces_[static_cast<size_t>(labels_.at<int>(row, col))];
        piece.radius = std::max<double>(piece.radius, distance.at<float>(row + 1, col + 1));
        piece.colour += evidence.colour.at<float>(row, col);
        piece.light += std::abs(evidence.light.at<float>(row, col));
        if (has_flat_) piece.flat += evidence.flat.at<uint8_t>(row, col);
        if (has_smooth_) piece.smooth += evidence.smooth.at<uint8_t>(row, col);
      }
    }
  }

  cv::Mat kept() const {
    const PieceFacts sure = most_coloured();
    std::vector<uint8_t> keep;
    for (const PieceFacts& piece : pieces_) {
      keep.push_back(is_tissue(piece) && !is_smudge(piece, sure) ? 1 : 0);
    }
    keep.front() = 0;
    cv::Mat mask(size_, CV_8U);
    for (int row = 0; row < size_.height; ++row) {
      for (int col = 0; col < size_.width; ++col) {
        mask.at<uint8_t>(row, col) = keep[static_cast<size_t>(labels_.at<int>(row, col))];
      }
    }
    return mask;
  }

 private:
  bool is_tissue(const PieceFacts& piece) const {
    constexpr double kCompact = 14;  // Area over radius squared; pi of a circle.
    if (piece.pixels * um_ * um_ < kLeastPieceUm2) return false;
    const bool solid = piece.radius * um_ >= kSolidUm || dark_;
    const bool coloured =
        piece.pixels < kCompact * piece.radius * piece.radius && piece.colourfulness() > 0.2;
    return (solid || coloured) && !is_edge_of_glass(piece) && !is_end_of_slide(piece) &&
           !is_paper(piece);
  }

  /// The piece that is most surely tissue: of those that may be, the one with the most colour.
  PieceFacts most_coloured() const {
    PieceFacts most;
    for (size_t i = 1; i < pieces_.size(); ++i) {
      if (is_tissue(pieces_[i]) && pieces_[i].colour > most.colour) most = pieces_[i];
    }
    return most;
  }

  /// Dirt, print and smudges on glass: without colour where the rest has some, or hardly there, or
  /// faint beside the rest and smooth or greyer.
  bool is_smudge(const PieceFacts& piece, const PieceFacts& sure) const {
    constexpr double kColoured = 0.3;
    constexpr double kColourless = 0.12;
    constexpr double kFaint = 0.25;
    constexpr double kHardlyThere = 0.2;
    constexpr double kMuchFainter = 0.3;
    constexpr double kGreyer = 0.5;
    constexpr double kSmooth = 0.4;
    constexpr double kLarge = 0.25;  // Of the surest piece.
    if (dark_) return false;
    if (sure.colourfulness() > kColoured && piece.colourfulness() < kColourless) return true;
    const bool is_lesser = piece.pixels <= kLarge * sure.pixels;
    if (is_lesser && piece.strength() < kHardlyThere * sure.strength()) return true;
    if (piece.strength() < kMuchFainter * sure.strength() &&
        piece.colourfulness() < kGreyer * sure.colourfulness()) {
      return true;
    }
    // Hardly stained tissue may be flat too: what is large and has a colour must be smooth from
    // block to block.
    const bool may_be_tissue = piece.colourfulness() > kColoured && !is_lesser;
    const double smooth = may_be_tissue ? piece.smooth : piece.flat;
    return has_flat_ && smooth > kSmooth * piece.pixels &&
           piece.strength() < kFaint * sure.strength();
  }

  /// Smooth rectangles at the border: light from outside, a cover slip, a label.
  bool is_edge_of_glass(const PieceFacts& piece) const {
    if (!has_flat_ || dark_) return false;
    const cv::Rect& box = piece.box;
    const bool at_border = box.x <= 2 || box.y <= 2 || box.x + box.width >= size_.width - 2 ||
                           box.y + box.height >= size_.height - 2;
    return at_border && piece.flat > 0.6 * piece.pixels && piece.colourfulness() < 0.25 &&
           piece.pixels > 0.8 * box.area() && piece.pixels < 0.25 * size_.area();
  }

  /// A paper label: a smooth rectangle, whose print may reach its border. Paper may be rougher than
  /// the glass, and then has one light colour.
  bool is_paper(const PieceFacts& piece) const {
    constexpr double kStraight = 0.87;
    constexpr double kPrinted = 0.65;
    constexpr double kSmooth = 0.6;
    constexpr double kLargest = 0.4;
    if (!has_flat_ || dark_) return false;
    const auto filled = static_cast<double>(piece.box.area());
    const bool is_straight = piece.pixels > kStraight * filled ||
                             (piece.pixels > kPrinted * filled && straight_sides(piece) >= 2);
    if (!is_straight || filled > kLargest * size_.area()) return false;
    return piece.flat > kSmooth * piece.pixels ||
           (free_straight_sides(piece) >= 2 && is_one_light_colour(piece));
  }

  /// Without those at the picture's border, where tissue ends along a straight line too; noise may
  /// move an edge by some pixels.
  int free_straight_sides(const PieceFacts& piece) const {
    constexpr int kEdge = 3;
    const cv::Mat box = labels_(piece.box) == piece.label;
    const cv::Rect& b = piece.box;
    if (std::min(b.width, b.height) < kEdge) return 0;
    const auto is_straight = [](const cv::Mat& edge, int dimension) {
      cv::Mat line;
      cv::reduce(edge, line, dimension, cv::REDUCE_MAX);
      return is_side(line);
    };
    return int{b.y > 2 && is_straight(box.rowRange(0, kEdge), 0)} +
           int{b.y + b.height < size_.height - 2 &&
               is_straight(box.rowRange(b.height - kEdge, b.height), 0)} +
           int{b.x > 2 && is_straight(box.colRange(0, kEdge), 1)} +
           int{b.x + b.width < size_.width - 2 &&
               is_straight(box.colRange(b.width - kEdge, b.width), 1)};
  }

  /// Whether most of a piece has nearly one brightness and colour, and a light one.
  bool is_one_light_colour(const PieceFacts& piece) const {
    constexpr double kMost = 0.6;
    constexpr double kNearly = 4;  // Grey levels.
    constexpr double kDarkest = -40;
    const cv::Mat box = labels_(piece.box) == piece.label;
    const cv::Mat light = light_(piece.box);
    const cv::Mat colour = colour_(piece.box);
    const double usual_light = quantile(values_where(light, box), 0.5);
    const double usual_colour = quantile(values_where(colour, box), 0.5);
    const cv::Mat alike =
        box & (cv::abs(light - usual_light) < kNearly) & (cv::abs(colour - usual_colour) < kNearly);
    return usual_light > kDarkest && cv::countNonZero(alike) > kMost * piece.pixels;
  }

  /// Whether a piece is along nearly all of a side of its box.
  static bool is_side(const cv::Mat& line) {
    constexpr double kNearlyAll = 0.9;
    return cv::countNonZero(line) > kNearlyAll * static_cast<double>(line.total());
  }

  int straight_sides(const PieceFacts& piece) const {
    const cv::Mat box = labels_(piece.box) == piece.label;
    return int{is_side(box.row(0))} + int{is_side(box.row(box.rows - 1))} +
           int{is_side(box.col(0))} + int{is_side(box.col(box.cols - 1))};
  }

  /// The frosted or painted end of a slide: along all of a side, with a straight edge.
  bool is_end_of_slide(const PieceFacts& piece) const {
    constexpr double kStraight = 0.9;
    constexpr double kWidest = 0.35;
    const cv::Rect& box = piece.box;
    const bool at_left_or_right = box.x <= 2 || box.x + box.width >= size_.width - 2;
    const bool at_top_or_bottom = box.y <= 2 || box.y + box.height >= size_.height - 2;
    const bool is_side =
        (box.height >= size_.height - 4 && at_left_or_right && box.width < kWidest * size_.width) ||
        (box.width >= size_.width - 4 && at_top_or_bottom && box.height < kWidest * size_.height);
    return is_side && piece.pixels > kStraight * box.area();
  }

  bool dark_;
  double um_;
  cv::Size size_;
  const cv::Mat& light_;
  const cv::Mat& colour_;
  bool has_flat_;
  bool has_smooth_;
  cv::Mat labels_;
  std::vector<PieceFacts> pieces_;
};

}  // namespace

cv::Mat tissue_pieces(const cv::Mat& mask, const PieceEvidence& evidence) {
  return PieceFilter(mask, evidence).kept();
}

}  // namespace untiled
