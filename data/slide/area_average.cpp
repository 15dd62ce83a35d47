#include "data/slide/area_average.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace untiled {
namespace {

/// Source pixels of one output pixel: those of `pixels` with weight 1, but the first and the last
/// with the part that is covered. `first` is the whole weight when there is one pixel only.
struct Window {
  Interval pixels;
  double first = 0;
  double last = 0;

  double weight(int64_t pixel) const {
    if (pixel == pixels.begin) return first;
    return pixel + 1 == pixels.end ? last : 1.0;
  }
};

Window window(const AxisSampling& axis, int64_t i) {
  const auto size = static_cast<double>(axis.source_size);
  // A level may be a fraction of a pixel short of what its scale says: stay inside it.
  const double begin = std::clamp(axis.offset + static_cast<double>(i) * axis.step, 0.0, size - 1);
  const double end =
      std::clamp(axis.offset + static_cast<double>(i + 1) * axis.step, begin + 1e-9, size);
  Window result{{static_cast<int64_t>(std::floor(begin)), static_cast<int64_t>(std::ceil(end))}};
  result.first = std::min(end, static_cast<double>(result.pixels.begin + 1)) - begin;
  result.last = end - static_cast<double>(result.pixels.end - 1);
  return result;
}

/// Sums of the three colours and of the weights behind them.
struct Sum {
  double r = 0;
  double g = 0;
  double b = 0;
  double weight = 0;

  void add(double factor, const uint8_t* rgb) {
    r += factor * rgb[0];
    g += factor * rgb[1];
    b += factor * rgb[2];
    weight += factor;
  }
  void add(double factor, const Sum& other) {
    r += factor * other.r;
    g += factor * other.g;
    b += factor * other.b;
    weight += factor * other.weight;
  }
};

/// Weighted sums along one source row for each output column.
class RowSums {
 public:
  RowSums(const PixelBlock& source, const AxisSampling& cols, const Interval& out)
      : source_(source) {
    for (int64_t j = out.begin; j < out.end; ++j) windows_.push_back(window(cols, j));
    sums_.resize(windows_.size());
  }

  const std::vector<Window>& windows() const { return windows_; }

  const std::vector<Sum>& of_row(int64_t row) {
    if (row == row_) return sums_;
    row_ = row;
    const auto start =
        static_cast<size_t>((row - source_.region.rows.begin) * source_.region.cols.size());
    for (size_t j = 0; j < windows_.size(); ++j) {
      sums_[j] = sum_of(start, windows_[j]);
    }
    return sums_;
  }

 private:
  size_t at(size_t start, int64_t col) const {
    return start + static_cast<size_t>(col - source_.region.cols.begin);
  }

  bool has_data(size_t pixel) const {
    return source_.missing.empty() || source_.missing[pixel] == 0;
  }

  /// Pixels that are covered whole are summed as integers: one order of rounding, with or without
  /// a mask.
  Sum sum_of(size_t start, const Window& window) const {
    const size_t begin = at(start, window.pixels.begin);
    const size_t last = begin + static_cast<size_t>(window.pixels.size()) - 1;
    int64_t red = 0;
    int64_t green = 0;
    int64_t blue = 0;
    int64_t count = 0;
    for (size_t pixel = begin + 1; pixel < last; ++pixel) {
      if (!has_data(pixel)) continue;
      red += source_.bytes[pixel * 3];
      green += source_.bytes[pixel * 3 + 1];
      blue += source_.bytes[pixel * 3 + 2];
      ++count;
    }
    Sum sum{static_cast<double>(red), static_cast<double>(green), static_cast<double>(blue),
            static_cast<double>(count)};
    if (has_data(begin)) sum.add(window.first, &source_.bytes[begin * 3]);
    if (last > begin && has_data(last)) sum.add(window.last, &source_.bytes[last * 3]);
    return sum;
  }

  const PixelBlock& source_;
  std::vector<Window> windows_;
  std::vector<Sum> sums_;
  int64_t row_ = -1;
};

double total_weight(const Window& window) {
  const auto inner = static_cast<double>(std::max<int64_t>(window.pixels.size() - 2, 0));
  return window.first + inner + (window.pixels.size() > 1 ? window.last : 0.0);
}

uint8_t rounded(double value) {
  return static_cast<uint8_t>(std::clamp(std::floor(value + 0.5), 0.0, 255.0));
}

void write_pixel(const Sum& sum, double full_weight, const Rgb& background, size_t pixel,
                 PixelBlock& out) {
  uint8_t* to = &out.bytes[pixel * 3];
  if (sum.weight * 2 < full_weight) {
    std::copy(background.begin(), background.end(), to);
    out.missing[pixel] = 1;
    return;
  }
  to[0] = rounded(sum.r / sum.weight);
  to[1] = rounded(sum.g / sum.weight);
  to[2] = rounded(sum.b / sum.weight);
}

}  // namespace

Interval covered(const AxisSampling& axis, const Interval& out) {
  if (out.empty()) return {};
  return {window(axis, out.begin).pixels.begin, window(axis, out.end - 1).pixels.end};
}

PixelBlock area_average(const PixelBlock& source, const AxisSampling& rows,
                        const AxisSampling& cols, const Region& out, const Rgb& background) {
  const auto pixels = static_cast<size_t>(out.area());
  const auto width = static_cast<size_t>(out.cols.size());
  PixelBlock block{out, 3, Bytes(pixels * 3), {}};
  if (!source.missing.empty()) block.missing.assign(pixels, 0);
  RowSums row_sums(source, cols, out.cols);
  std::vector<Sum> sums(width);
  for (int64_t i = out.rows.begin; i < out.rows.end; ++i) {
    const Window window_rows = window(rows, i);
    std::fill(sums.begin(), sums.end(), Sum{});
    for (int64_t row = window_rows.pixels.begin; row < window_rows.pixels.end; ++row) {
      const double factor = window_rows.weight(row);
      const std::vector<Sum>& of_row = row_sums.of_row(row);
      for (size_t j = 0; j < width; ++j) sums[j].add(factor, of_row[j]);
    }
    const double height = total_weight(window_rows);
    for (size_t j = 0; j < width; ++j) {
      write_pixel(sums[j], height * total_weight(row_sums.windows()[j]), background,
                  static_cast<size_t>(i - out.rows.begin) * width + j, block);
    }
  }
  return block;
}

}  // namespace untiled
