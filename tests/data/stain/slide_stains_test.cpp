#include "data/stain/slide_stains.h"

#include "lib/core/error.h"
#include "lib/filters/color_histogram.h"
#include "tests/catch.h"
#include "tests/data/stain/painted_slide.h"

namespace untiled {
namespace {

using testing::PaintedSlide;

constexpr Extent kSlide = {170, 230};

bool are_equal(const filters::Stains& a, const filters::Stains& b) {
  return a.vectors == b.vectors && a.high == b.high;
}

TEST_CASE("a slide's stains are those of the whole frame, also where a part of it is looked at") {
  const auto slide = std::make_shared<PaintedSlide>(kSlide);
  const auto all = slide_stains(slide, {}, 1);
  REQUIRE(all);
  ViewOptions cropped;
  cropped.crop_level0 = Region{{0, 40}, {100, 200}};
  CHECK(are_equal(*slide_stains(slide, cropped, 3), *all));
  const auto crop_alone =
      filters::macenko_stains(filters::count_colors(*make_view(slide, cropped), 1).histogram);
  CHECK_FALSE(are_equal(crop_alone, *all));
}

TEST_CASE("pixels without data have no say in a slide's stains") {
  const Region gap = {{100, 170}, {60, 230}};
  const auto stains = slide_stains(std::make_shared<PaintedSlide>(kSlide, false, gap), {}, 2);
  REQUIRE(stains);
  CHECK_FALSE(are_equal(*stains, *slide_stains(std::make_shared<PaintedSlide>(kSlide), {}, 2)));
  const auto slide = std::make_shared<PaintedSlide>(kSlide);
  filters::ColorCounts counts;
  std::vector<uint64_t> totals(filters::kColors);
  for (const Region& part : {Region{{0, 100}, {0, 230}}, Region{{100, 170}, {0, 60}}}) {
    counts.add(slide->read(0, part));
  }
  counts.move_into(totals.data());
  filters::ColorHistogram histogram;
  for (uint32_t key = 0; key < totals.size(); ++key) {
    if (totals[key] == 0) continue;
    histogram.keys.push_back(key);
    histogram.counts.push_back(totals[key]);
  }
  CHECK(are_equal(filters::macenko_stains(histogram), *stains));
}

TEST_CASE("a slide of glass has no stains") {
  CHECK_FALSE(slide_stains(std::make_shared<PaintedSlide>(kSlide, /*is_blank=*/true), {}, 2));
}

TEST_CASE("settings say what slides are made to look like, and what it takes") {
  StainSettings settings;
  CHECK_FALSE(target_stains(settings));
  CHECK(stain_bytes(settings) == 0);
  settings.method = StainMethod::kMacenko;
  CHECK(are_equal(*target_stains(settings), filters::kReferenceStains));
  CHECK(stain_bytes(settings) == int64_t{64} << 20);
  settings.reference = filters::Stains{{{{1, 0, 0}, {0, 1, 0}}}, {2, 3}};
  CHECK(are_equal(*target_stains(settings), *settings.reference));
}

TEST_CASE("as many threads count as memory_budget has room for") {
  const int64_t held = int64_t{100} << 20;
  int64_t budget = held + filters::counting_bytes(8);
  CHECK(counting_workers(8, budget, held) == 8);
  budget -= 1;
  CHECK(counting_workers(8, budget, held) == 7);
  budget = held + filters::counting_bytes(1);
  CHECK(counting_workers(8, budget, held) == 1);
  budget -= 1;
  CHECK_THROWS_WITH(counting_workers(8, budget, held), contains_text("the least that works is"));
}

}  // namespace
}  // namespace untiled
