// Optical densities of a slide, and the glass between what lies there.
#pragma once

#include <opencv2/core.hpp>

namespace untiled {

inline constexpr double kReachUm = 48;  ///< From sure ink to a stroke's pale edge.
inline constexpr double kEdgeUm = 40;  ///< So far from an edge the variation is that of the inside.
inline constexpr double kMatter = 0.2;  ///< The density from which something lies on the glass.

/// Of densities whose colour is one: the cosine of the angle between them.
inline constexpr double kCosine = 0.985;

/// The density's three channels and what is derived from them, CV_32F.
struct InkDensities {
  cv::Mat r, g, b;
  cv::Mat most;
  cv::Mat least;
  cv::Mat variation;   ///< Local standard deviation, a part of the local mean.
  double typical = 0;  ///< Upper quartile of the variation where matter is.
};

/// Of CV_32FC3, pixels of so many micrometres.
InkDensities densities_of(const cv::Mat& density, double um);

/// Where something lies on the glass, and the glass without anything: 0 and 1.
struct InkGround {
  cv::Mat matter;
  cv::Mat bare;
};

InkGround ground_of(const InkDensities& d);

/// The mean density where a mask is set.
cv::Vec3f mean_of(const cv::Mat& density, const cv::Mat& mask);

/// Where the density has a colour.
cv::Mat of_colour(const cv::Mat& density, const cv::Vec3f& colour, double cosine = kCosine);

/// Of a mask, how much lies in another one: from 0 to 1.
double share(const cv::Mat& part, const cv::Mat& whole);

/// With what may go on within the reach of what is sure (0 and 255).
cv::Mat near_to(const cv::Mat& sure, const cv::Mat& maybe, double um);

/// What narrows to less than twice a radius: letters, strokes, fringes.
cv::Mat thin_parts(const cv::Mat& matter, double radius);

/// The box of a piece with a margin, within the picture.
cv::Rect wider_box(const cv::Mat& stats, int piece, int margin, const cv::Size& size);

/// The pieces that have mostly one colour and mostly glass around them, as letters and strokes do
/// and the islands of a section do not, whose faint parts are no matter.
cv::Mat strokes_among(const cv::Mat& thin, const cv::Mat& colour, const cv::Mat& bare, double um,
                      double least_pixels);

}  // namespace untiled
