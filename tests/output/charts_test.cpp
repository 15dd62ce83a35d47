#include "lib/output/charts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/output/page.h"
#include "tests/catch.h"

using namespace untiled;

namespace {

constexpr PictureColor kRed = {255, 0, 0};

/// Where a colour is drawn: least and largest column and row.
struct Box {
  int64_t left = 1 << 20;
  int64_t right = -1;
  int64_t top = 1 << 20;
  int64_t bottom = -1;
};

Box box_of(const Picture& picture, const PictureColor& color) {
  Box box;
  for (int64_t i = 0; i < picture.extent.area(); ++i) {
    if (!std::equal(color.begin(), color.end(), picture.rgb.begin() + 3 * i)) continue;
    const int64_t x = i % picture.extent.cols;
    const int64_t y = i / picture.extent.cols;
    box = {std::min(box.left, x), std::max(box.right, x), std::min(box.top, y),
           std::max(box.bottom, y)};
  }
  return box;
}

Picture draw(const std::vector<double>& x, const std::vector<double>& y) {
  const std::vector<Chart> charts = {{"", {{"", kRed, x, y}}}};
  return draw_charts(charts);
}

}  // namespace

TEST_CASE("charts of nothing, of undefined values and of one point are drawn") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::vector<double>& y :
       {std::vector<double>{}, {nan, nan}, {std::numeric_limits<double>::infinity()}}) {
    const Picture picture = draw(std::vector<double>(y.size(), 1.0), y);
    CHECK(picture.extent == Extent{260, 900});
    CHECK(box_of(picture, kRed).right < 0);
  }
  CHECK(box_of(draw({3}, {0.5}), kRed).right >= 0);
  CHECK(box_of(draw({3, 4}, {5e-324, 5e-324}), kRed).right >= 0);
  CHECK(box_of(draw({1, 2}, {1.0, std::nextafter(1.0, 2.0)}), kRed).right >= 0);
}

TEST_CASE("curves lie inside their axes and rise with their values") {
  const Picture picture = draw({0, 10}, {0, 1});
  const Box box = box_of(picture, kRed);
  CHECK(box.left >= 78);
  CHECK(box.right <= 862);
  CHECK(box.top >= 38);
  CHECK(box.bottom <= 226);
  CHECK(box.right - box.left > 700);
}

TEST_CASE("bars are as long as their values, and one of nothing is seen") {
  const std::vector<Bar> bars = {{"a", kRed, 2.0}, {"b", {0, 0, 255}, 1.0}, {"c", {0, 255, 0}, 0}};
  const Picture picture = draw_bars("", bars);
  const auto length = [&](const PictureColor& color) {
    const Box box = box_of(picture, color);
    return box.right - box.left + 1;
  };
  CHECK(length(kRed) == 2 * length({0, 0, 255}));
  CHECK(length({0, 255, 0}) == 1);
}

TEST_CASE("data addresses are RFC 4648's") {
  CHECK(data_uri("text/plain", "") == "data:text/plain;base64,");
  CHECK(data_uri("a/b", "f") == "data:a/b;base64,Zg==");
  CHECK(data_uri("a/b", "fo") == "data:a/b;base64,Zm8=");
  CHECK(data_uri("a/b", "foobar") == "data:a/b;base64,Zm9vYmFy");
}

TEST_CASE("a page's title is text") {
  CHECK_THAT(html_page("a <b>", "", "x"), contains_text("<title>a &lt;b&gt;</title>"));
}
