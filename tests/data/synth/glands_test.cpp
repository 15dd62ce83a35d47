#include "data/synth/glands.h"

#include <algorithm>

#include "data/synth/slide_cohort.h"
#include "data/tissue/index_png.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

constexpr Extent kSlide{700, 512};

Painted blank(const Region& region) {
  return {Bytes(static_cast<size_t>(region.area() * 3), 230),
          std::vector<Truth>(static_cast<size_t>(region.area()), Truth::kTissue)};
}

Painted painted(const Glands& glands, const Region& region) {
  Painted result = blank(region);
  glands.paint(region, result);
  return result;
}

TEST_CASE("slides of both classes differ in two squares alone") {
  const Glands negative(kSlide, 4, false);
  const Glands positive(kSlide, 4, true);
  const Painted first = painted(negative, whole(kSlide));
  const Painted second = painted(positive, whole(kSlide));
  CHECK((first.truth == second.truth));
  REQUIRE(negative.squares() == positive.squares());
  int64_t wrong = 0;
  for (int64_t i = 0; i < kSlide.area(); ++i) {
    const auto in = [&](const Region& square) {
      const int64_t row = i / kSlide.cols;
      const int64_t col = i % kSlide.cols;
      return square.contains({{row, row + 1}, {col, col + 1}});
    };
    const bool told = in(negative.squares()[0]) || in(negative.squares()[1]);
    const auto at = static_cast<ptrdiff_t>(3 * i);
    const bool same = std::equal(first.pixels.begin() + at, first.pixels.begin() + at + 3,
                                 second.pixels.begin() + at);
    wrong += same == told ? 1 : 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("glands are a tenth of a slide, squares are elsewhere, and regions are crops") {
  const Glands glands(kSlide, 9, true);
  const Painted all = painted(glands, whole(kSlide));
  const auto count = std::count(all.truth.begin(), all.truth.end(), Truth::kGland);
  CHECK(static_cast<double>(count) >= 0.05 * static_cast<double>(kSlide.area()));
  for (const Region& square : glands.squares()) {
    CHECK(clip(square, kSlide) == square);
    const Painted part = painted(glands, square);
    CHECK(std::count(part.truth.begin(), part.truth.end(), Truth::kGland) == 0);
  }
  const Region part{{101, 333}, {60, 299}};
  const Painted found = painted(glands, part);
  for (int64_t y = part.rows.begin; y < part.rows.end; ++y) {
    const auto row = found.pixels.begin() + (y - part.rows.begin) * part.cols.size() * 3;
    CHECK(std::equal(row, row + part.cols.size() * 3,
                     all.pixels.begin() + (y * kSlide.cols + part.cols.begin) * 3));
  }
}

TEST_CASE("a cohort told by context has masks of glands by the slide's class") {
  const TemporaryFolder folder;
  CohortOptions options{.slides = 2, .extent = {256, 300}, .seed = 3};
  options.told_by = ToldBy::kContext;
  options.folder = folder.path();
  synthesize_cohort(options);
  CHECK(read_file(folder.path() / "manifest.csv") ==
        "slide,mask,label,split\n"
        "slide_0000.tif,slide_0000.mask.png,negative,train\n"
        "slide_0001.tif,slide_0001.mask.png,positive,train\n");
  for (const uint8_t gland : {1, 2}) {
    const auto name = gland == 1 ? "slide_0000.mask.png" : "slide_0001.mask.png";
    const IndexPlane mask = read_index_png(folder.path() / name);
    REQUIRE(mask.extent == options.extent);
    const auto glands = std::count(mask.indices.begin(), mask.indices.end(), gland);
    const auto rest = std::count(mask.indices.begin(), mask.indices.end(), 0);
    CHECK(glands > 0);
    CHECK(glands + rest == options.extent.area());
  }
}

TEST_CASE("a slide that is too small for glands is refused") {
  CHECK_THROWS_AS(Glands({255, 4000}, 1, true), ConfigError);
}

}  // namespace
}  // namespace untiled
