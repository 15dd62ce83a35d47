#include "data/tissue/reference.h"

#include <opencv2/imgproc.hpp>

#include "data/tissue/blocks.h"
#include "data/tissue/quantile.h"

namespace untiled {
namespace {

Reference constant_reference(const cv::Size& size, float level) {
  return {cv::Mat(size, CV_32FC3, cv::Scalar::all(level)), {}, level < kGlass / 2};
}

/// A block a pixel, enlarged to the picture's pixels.
cv::Mat at_pixels(const cv::Mat& blocks, int block, const cv::Size& size, int how) {
  const cv::Size whole = blocks.size() * block;
  cv::Mat pixels;
  cv::resize(blocks, pixels, whole, 0, 0, how);
  const int border = how == cv::INTER_NEAREST ? cv::BORDER_CONSTANT : cv::BORDER_REPLICATE;
  cv::copyMakeBorder(pixels, pixels, 0, size.height - whole.height, 0, size.width - whole.width,
                     border);
  return pixels;
}

cv::Mat distance_to(const cv::Mat& area) {
  cv::Mat distance;
  cv::distanceTransform(area == 0, distance, cv::DIST_L2, cv::DIST_MASK_3);
  return distance;
}

/// Takes another pane's colour where it is the nearer one, and where two panes meet the one that
/// the picture is more alike to.
class PaneMosaic {
 public:
  PaneMosaic(const Background& background, const cv::Mat& rgb)
      : background_(background), smooth_(smoothed(rgb)) {
    reference_.colour =
        at_pixels(background.surface, background.block, rgb.size(), cv::INTER_LINEAR);
    reference_.seen = at_pixels(background.blocks, background.block, rgb.size(), cv::INTER_NEAREST);
    reference_.dark = background.is_dark();
  }

  Reference made() {
    if (!background_.panes.empty()) distance_ = distance_to(reference_.seen);
    for (const Pane& pane : background_.panes) add(pane);
    return reference_;
  }

 private:
  static cv::Mat smoothed(const cv::Mat& rgb) {
    cv::Mat smooth;
    rgb.convertTo(smooth, CV_32FC3);
    cv::blur(smooth, smooth, {3, 3});
    return smooth;
  }

  cv::Mat misfit(const cv::Mat& colour) const {
    cv::Mat sum;
    cv::transform(cv::abs(smooth_ - colour), sum, cv::Matx13f(1, 1, 1));
    return sum;
  }

  void add(const Pane& pane) {
    constexpr double kMeeting = 5;  // Blocks.
    const int block = background_.block;
    const cv::Mat colour = at_pixels(pane.surface, block, smooth_.size(), cv::INTER_LINEAR);
    const cv::Mat seen = at_pixels(pane.blocks / 255, block, smooth_.size(), cv::INTER_NEAREST);
    const cv::Mat distance = distance_to(seen);
    const double reach = kMeeting * block;
    const cv::Mat meeting = (distance < reach) & (distance_ < reach);
    cv::Mat takes = distance < distance_;
    cv::Mat(misfit(colour) < misfit(reference_.colour)).copyTo(takes, meeting);
    colour.copyTo(reference_.colour, takes);
    reference_.seen |= seen;
    distance_ = cv::min(distance_, distance);
  }

  const Background& background_;
  cv::Mat smooth_;
  cv::Mat distance_;  ///< To the nearest pane so far.
  Reference reference_;
};

/// Overexposed glass or a clipped dark background is as uniform as padding, but not rectangular.
bool is_clipped(const Extreme& extreme) {
  return cv::mean(extreme.area)[0] > 0.02 && extreme.straightness < 0.5;
}

}  // namespace

bool is_believable(const Background& b) {
  constexpr double kNeutral = 20;
  const bool doubtful = b.noise > 2.5 || b.covered < 0.15 || b.brighter > 0.03;
  return b.colour_spread() <= kNeutral || !doubtful;
}

Reference choose_reference(const cv::Mat& rgb, const Padding& padding, const cv::Mat& valid,
                           const std::optional<Background>& background) {
  constexpr double kLitField = 0.08;  // Of a round field of view, black outside.
  const bool weak = !background || background->covered < 0.03 || background->colour_spread() > 20;
  if (weak && is_clipped(padding.white)) return constant_reference(rgb.size(), 255);
  const bool lit = background && !background->is_dark() && background->covered > kLitField;
  if (is_clipped(padding.black) && !lit) return constant_reference(rgb.size(), 0);
  if (background) return PaneMosaic(*background, rgb).made();
  constexpr float kUsualGlass = 242;
  constexpr double kDarkPicture = 60;
  cv::Mat grey = channel_mean(rgb);
  grey.convertTo(grey, CV_32F);
  const bool dark =
      cv::countNonZero(valid) > 0 && quantile(values_where(grey, valid), 0.5) < kDarkPicture;
  return constant_reference(rgb.size(), dark ? 0 : kUsualGlass);
}

}  // namespace untiled
