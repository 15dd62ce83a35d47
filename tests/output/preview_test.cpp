#include "lib/output/preview.h"

#include <algorithm>

#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

constexpr PictureColor kGreen = {0, 200, 0};

Picture white(const Extent& extent) {
  Picture picture{extent, {}};
  picture.rgb.assign(static_cast<size_t>(extent.area()) * 3, 255);
  return picture;
}

bool is_green(const Picture& picture, int64_t row, int64_t col) {
  const auto* pixel = picture.rgb.data() + (row * picture.extent.cols + col) * 3;
  return std::equal(kGreen.begin(), kGreen.end(), pixel);
}

}  // namespace

TEST_CASE("a size is fitted into another without changing its shape or growing") {
  CHECK(fit_into({16'000, 64'000}, {520, 1200}) == Extent{300, 1200});
  CHECK(fit_into({3000, 1000}, {600, 600}) == Extent{600, 200});
  CHECK(fit_into({100, 50}, {600, 600}) == Extent{100, 50});
  CHECK(fit_into({1, 100'000}, {600, 600}) == Extent{1, 600});
}

TEST_CASE("classes show their colours and ignored pixels grey") {
  const std::vector<uint8_t> classes = {0, 1, kIgnoredLabel};
  const Picture picture =
      color_classes({1, 3}, classes, std::vector<PictureColor>{{1, 2, 3}, kGreen});
  CHECK(std::vector<uint8_t>(picture.rgb.begin(), picture.rgb.end()) ==
        std::vector<uint8_t>{1, 2, 3, 0, 200, 0, 128, 128, 128});
}

TEST_CASE("an outline runs along the mask's border only") {
  std::vector<uint8_t> mask(10 * 10, 0);
  for (size_t row = 2; row < 8; ++row)
    std::fill_n(mask.begin() + static_cast<int64_t>(row * 10 + 3), 5, 1);
  mask[0] = kIgnoredLabel;
  const Picture picture = draw_outline(white({100, 100}), {10, 10}, mask, kGreen);
  CHECK(is_green(picture, 20, 50));
  CHECK(is_green(picture, 50, 30));
  CHECK(is_green(picture, 79, 79));
  CHECK_FALSE(is_green(picture, 50, 50));
  CHECK_FALSE(is_green(picture, 10, 10));
  CHECK_FALSE(is_green(picture, 0, 0));
}

TEST_CASE("a preview has the same bytes each time") {
  const TemporaryFolder folder;
  const std::vector<PreviewPanel> panels = {{"slide", white({60, 80})}, {"label", white({60, 80})}};
  const std::vector<LegendEntry> legend = {{"tissue", kGreen}};
  write_preview(folder / "a.png", panels, legend);
  write_preview(folder / "b.png", panels, legend);
  CHECK(read_file(folder / "a.png") == read_file(folder / "b.png"));
  CHECK(read_file(folder / "a.png").substr(1, 3) == "PNG");
}

}  // namespace untiled
