#include "lib/output/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace untiled {
namespace {

constexpr int kWidth = 900;
constexpr int kHeight = 260;
const cv::Rect kPlot(80, 40, kWidth - 80 - 40, kHeight - 40 - 36);
constexpr int kTitleLine = 24;
constexpr double kText = 0.45;
const cv::Scalar kInk(60, 60, 60);
const cv::Scalar kGrid(225, 225, 225);

/// An axis from one round number to another.
struct Axis {
  double begin = 0;
  double step = 1;
  int steps = 1;

  double at(int i) const { return begin + i * step; }
  /// 0 at the begin, 1 at the end.
  double place(double value) const { return (value - begin) / (step * steps); }
};

/// 1, 2 or 5 times a power of ten, so that about `parts` of them cover a range.
double round_step(double range, int parts) {
  const double rough = range / parts;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

Axis axis_over(Range range, int parts) {
  if (range.low > range.high) return {};
  const double size = std::max(std::abs(range.low), std::abs(range.high));
  if (range.high - range.low <= 1e-9 * size) {
    const double pad = size < 1e-300 ? 1.0 : size * 0.1;
    range = {range.low - pad, range.high + pad};
  }
  const double step = round_step(range.high - range.low, parts);
  const double first = std::floor(range.low / step);
  const int steps = static_cast<int>(std::ceil(range.high / step) - first);
  return {first * step, step, std::max(1, steps)};
}

/// Of what `axis` says of all points that are drawn.
Range range_of(std::span<const Chart> charts, std::vector<double> Curve::*axis) {
  Range range;
  for (const Chart& chart : charts) {
    for (const Curve& curve : chart.curves) {
      for (size_t i = 0; i < curve.y.size(); ++i) {
        if (std::isfinite(curve.y[i])) range.include((curve.*axis)[i]);
      }
    }
  }
  return range;
}

cv::Size size_of(const std::string& text) {
  int baseline = 0;
  return cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, kText, 1, &baseline);
}

cv::Scalar to_scalar(const PictureColor& color) {
  return {double(color[0]), double(color[1]), double(color[2])};
}

void write(cv::Mat& image, const std::string& text, const cv::Point& left_bottom,
           const cv::Scalar& color) {
  cv::putText(image, text, left_bottom, cv::FONT_HERSHEY_SIMPLEX, kText, color, 1, cv::LINE_AA);
}

Picture white_picture(int rows) {
  Picture picture{{rows, kWidth}, {}};
  picture.rgb.assign(static_cast<size_t>(3 * picture.extent.area()), 255);
  return picture;
}

cv::Mat view_of(Picture& picture) {
  return {static_cast<int>(picture.extent.rows), kWidth, CV_8UC3, picture.rgb.data()};
}

class ChartDrawing {
 public:
  ChartDrawing(cv::Mat image, const Chart& chart, const Axis& x)
      : image_(std::move(image)),
        chart_(chart),
        x_(x),
        y_(axis_over(range_of({&chart, 1}, &Curve::y), 4)) {}

  void draw() {
    write(image_, chart_.title, {kPlot.x, kTitleLine}, kInk);
    draw_grid();
    int left = kPlot.x + size_of(chart_.title).width + 30;
    for (const Curve& curve : chart_.curves) {
      const cv::Scalar color = to_scalar(curve.color);
      write(image_, curve.name, {left, kTitleLine}, color);
      left += size_of(curve.name).width + 20;
      draw_curve(curve, color);
    }
  }

 private:
  cv::Point at(double x, double y) const {
    return {kPlot.x + static_cast<int>(std::lround(x_.place(x) * kPlot.width)),
            kPlot.br().y - static_cast<int>(std::lround(y_.place(y) * kPlot.height))};
  }

  void draw_grid() {
    for (int i = 0; i <= y_.steps; ++i) {
      const int y = at(x_.begin, y_.at(i)).y;
      cv::line(image_, {kPlot.x, y}, {kPlot.br().x, y}, kGrid, 1);
      const std::string text = number(y_, i);
      write(image_, text, {kPlot.x - 8 - size_of(text).width, y + 4}, kInk);
    }
    for (int i = 0; i <= x_.steps; ++i) {
      const int x = at(x_.at(i), y_.begin).x;
      cv::line(image_, {x, kPlot.y}, {x, kPlot.br().y}, kGrid, 1);
      const std::string text = number(x_, i);
      write(image_, text, {x - size_of(text).width / 2, kPlot.br().y + 20}, kInk);
    }
  }

  /// A grid line's value; what is left of zero after adding steps up is zero.
  static std::string number(const Axis& axis, int i) {
    const double value = std::abs(axis.at(i)) < 1e-9 * axis.step ? 0.0 : axis.at(i);
    return fmt::format("{:.5g}", value);
  }

  void draw_curve(const Curve& curve, const cv::Scalar& color) {
    std::vector<cv::Point> points;
    for (size_t i = 0; i < curve.y.size(); ++i) {
      if (std::isfinite(curve.y[i])) points.push_back(at(curve.x[i], curve.y[i]));
    }
    cv::polylines(image_, points, false, color, 1, cv::LINE_AA);
    constexpr size_t kFew = 40;
    if (points.size() > kFew) return;
    for (const cv::Point& point : points) {
      cv::circle(image_, point, 2, color, cv::FILLED, cv::LINE_AA);
    }
  }

  cv::Mat image_;
  const Chart& chart_;
  Axis x_;
  Axis y_;
};

}  // namespace

Picture draw_charts(std::span<const Chart> charts) {
  Picture picture = white_picture(kHeight * static_cast<int>(charts.size()));
  const cv::Mat image = view_of(picture);
  const Axis x = axis_over(range_of(charts, &Curve::x), 8);
  int top = 0;
  for (const Chart& chart : charts) {
    ChartDrawing(image(cv::Rect(0, top, kWidth, kHeight)), chart, x).draw();
    top += kHeight;
  }
  return picture;
}

Picture draw_bars(const std::string& title, std::span<const Bar> bars) {
  constexpr int kBar = 50;
  constexpr int kMargin = 20;
  constexpr int kNumber = 90;
  Picture picture = white_picture(2 * kMargin + kBar * static_cast<int>(bars.size()));
  cv::Mat image = view_of(picture);
  write(image, title, {kMargin, kTitleLine}, kInk);
  double most = 0;
  for (const Bar& bar : bars) most = std::max(most, bar.value);
  int top = 2 * kMargin;
  for (const Bar& bar : bars) {
    const double share = most > 0 ? bar.value / most : 0;
    const int width =
        std::max(1, static_cast<int>(std::lround(share * (kWidth - 2 * kMargin - kNumber))));
    write(image, bar.name, {kMargin, top + 14}, kInk);
    cv::rectangle(image, cv::Rect(kMargin, top + 20, width, 16), to_scalar(bar.color), cv::FILLED);
    write(image, fmt::format("{:.3g}", bar.value), {kMargin + width + 6, top + 33}, kInk);
    top += kBar;
  }
  return picture;
}

}  // namespace untiled
