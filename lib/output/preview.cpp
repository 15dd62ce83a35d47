#include "lib/output/preview.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "lib/core/error.h"
#include "lib/output/png_writer.h"

namespace untiled {
namespace {

constexpr PictureColor kNoClass = {128, 128, 128};
constexpr int kMargin = 8;
constexpr int kTextRows = 24;
constexpr double kTextScale = 0.45;
const cv::Scalar kInk(40, 40, 40);
const cv::Scalar kPaper(255, 255, 255);

/// The picture's own bytes as a matrix; OpenCV has no const view.
cv::Mat view_of(const Picture& picture) {
  return {static_cast<int>(picture.extent.rows), static_cast<int>(picture.extent.cols), CV_8UC3,
          const_cast<uint8_t*>(picture.rgb.data())};
}

cv::Scalar to_scalar(const PictureColor& color) {
  return {double(color[0]), double(color[1]), double(color[2])};
}

Picture to_picture(const cv::Mat& image) {
  Picture picture{{image.rows, image.cols}, {}};
  picture.rgb.resize(static_cast<size_t>(picture.extent.area()) * 3);
  image.copyTo(view_of(picture));
  return picture;
}

void write_text(cv::Mat& image, const std::string& text, const cv::Point& left_bottom) {
  cv::putText(image, text, left_bottom, cv::FONT_HERSHEY_SIMPLEX, kTextScale, kInk, 1, cv::LINE_AA);
}

int text_width(const std::string& text) {
  int baseline = 0;
  return cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, kTextScale, 1, &baseline).width;
}

/// Where text stands in a line of kTextRows.
constexpr int kBaseline = 16;

void draw_legend(cv::Mat& image, std::span<const LegendEntry> legend, int top) {
  int left = kMargin;
  for (const LegendEntry& entry : legend) {
    constexpr int kSwatch = 12;
    const cv::Rect swatch(left, top + (kTextRows - kSwatch) / 2, kSwatch, kSwatch);
    cv::rectangle(image, swatch, to_scalar(entry.color), cv::FILLED);
    cv::rectangle(image, swatch, kInk, 1);
    left += kSwatch + kMargin;
    write_text(image, entry.name, {left, top + kBaseline});
    left += text_width(entry.name) + 2 * kMargin;
  }
}

cv::Mat tissue_of(const Extent& extent, std::span<const uint8_t> mask) {
  cv::Mat tissue(static_cast<int>(extent.rows), static_cast<int>(extent.cols), CV_8UC1);
  std::transform(mask.begin(), mask.end(), tissue.data, [](uint8_t value) {
    return static_cast<uint8_t>(value != 0 && value != kIgnoredLabel ? 255 : 0);
  });
  return tissue;
}

}  // namespace

Extent fit_into(const Extent& extent, const Extent& most) {
  const double shrink =
      std::max({1.0, static_cast<double>(extent.rows) / static_cast<double>(most.rows),
                static_cast<double>(extent.cols) / static_cast<double>(most.cols)});
  const auto shrunk = [shrink](int64_t size) {
    return std::max<int64_t>(1, std::llround(static_cast<double>(size) / shrink));
  };
  return {shrunk(extent.rows), shrunk(extent.cols)};
}

Picture shrink(const Picture& picture, const Extent& extent) {
  cv::Mat small;
  cv::resize(view_of(picture), small,
             {static_cast<int>(extent.cols), static_cast<int>(extent.rows)}, 0, 0, cv::INTER_AREA);
  return to_picture(small);
}

Picture color_classes(const Extent& extent, std::span<const uint8_t> classes,
                      std::span<const PictureColor> colors) {
  Picture picture{extent, {}};
  picture.rgb.resize(classes.size() * 3);
  for (size_t i = 0; i < classes.size(); ++i) {
    const PictureColor& color = classes[i] < colors.size() ? colors[classes[i]] : kNoClass;
    std::copy(color.begin(), color.end(), picture.rgb.begin() + static_cast<int64_t>(3 * i));
  }
  return picture;
}

Picture tint_classes(Picture picture, std::span<const uint8_t> classes,
                     std::span<const PictureColor> colors) {
  for (size_t i = 0; i < classes.size(); ++i) {
    const PictureColor& color = classes[i] < colors.size() ? colors[classes[i]] : kIgnoredTint;
    for (size_t c = 0; c < color.size(); ++c) {
      uint8_t& value = picture.rgb[3 * i + c];
      value = static_cast<uint8_t>((value + color[c]) / 2);
    }
  }
  return picture;
}

Picture grey_picture(const Extent& extent, std::span<const uint8_t> values) {
  Picture picture{extent, {}};
  picture.rgb.resize(values.size() * 3);
  for (size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = values[i / 3];
  return picture;
}

Picture draw_outline(Picture picture, const Extent& mask_extent, std::span<const uint8_t> mask,
                     const PictureColor& color) {
  if (static_cast<int64_t>(mask.size()) != mask_extent.area()) {
    throw InternalError("an outline's mask has another size than it says");
  }
  cv::Mat image = view_of(picture);
  cv::Mat tissue = tissue_of(mask_extent, mask);
  cv::resize(tissue, tissue, image.size(), 0, 0, cv::INTER_NEAREST);
  std::vector<std::vector<cv::Point>> contours;
  cv::findContours(tissue, contours, cv::RETR_CCOMP, cv::CHAIN_APPROX_NONE);
  const int thickness = std::max(1, std::max(image.rows, image.cols) / 300);
  cv::drawContours(image, contours, -1, to_scalar(color), thickness);
  return picture;
}

void write_preview(const std::filesystem::path& path, std::span<const PreviewPanel> panels,
                   std::span<const LegendEntry> legend) {
  int rows = 0;
  int cols = kMargin;
  for (const PreviewPanel& panel : panels) {
    rows = std::max(rows, static_cast<int>(panel.picture.extent.rows));
    cols +=
        std::max(static_cast<int>(panel.picture.extent.cols), text_width(panel.title)) + kMargin;
  }
  const int legend_rows = legend.empty() ? kMargin : kTextRows;
  cv::Mat sheet(kTextRows + rows + legend_rows, cols, CV_8UC3, kPaper);
  int left = kMargin;
  for (const PreviewPanel& panel : panels) {
    const cv::Mat image = view_of(panel.picture);
    write_text(sheet, panel.title, {left, kBaseline});
    image.copyTo(sheet(cv::Rect(left, kTextRows, image.cols, image.rows)));
    left += std::max(image.cols, text_width(panel.title)) + kMargin;
  }
  draw_legend(sheet, legend, kTextRows + rows);
  write_picture(path, to_picture(sheet));
}

void write_picture(const std::filesystem::path& path, const Picture& picture) {
  PngWriter png(path, picture.extent, {PngColor::kRgb, {}, {}});
  png.write_rows({picture.rgb.data(), picture.rgb.size()});
  png.finish();
}

}  // namespace untiled
