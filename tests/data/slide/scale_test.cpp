#include "data/slide/scale.h"

#include "tests/catch.h"

using namespace untiled;

TEST_CASE("the levels of a floored pyramid have powers of two as scales") {
  const Extent level0 = {1525, 2033};
  CHECK(level_downsample(level0, level0) == 1.0);
  CHECK(level_downsample(level0, {762, 1016}) == 2.0);
  CHECK(level_downsample(level0, {190, 254}) == 8.0);
  CHECK(level_downsample(level0, {47, 63}) == 32.0);  // The ratio of widths is 32.27.
}

TEST_CASE("the levels of a rounded-up pyramid have powers of two as scales") {
  CHECK(level_downsample({16001, 64003}, {1001, 4001}) == 16.0);
}

TEST_CASE("a scale that is no power of two is the nearest integer, else the mean ratio") {
  CHECK(level_downsample({3000, 6000}, {1000, 2000}) == 3.0);
  CHECK(level_downsample({3001, 6001}, {300, 600}) == 10.0);
  CHECK(level_downsample({1000, 2000}, {400, 800}) == 2.5);
  CHECK(level_downsample({1000, 2000}, {400, 500}) == 3.25);
}

TEST_CASE("the first believable claim of a scale is taken") {
  const auto choice =
      choose_scale({{"vendor", {}, {}}, {"ome", 264.58, 264.58}, {"tiff-resolution", 0.25, 0.26}});
  CHECK(choice.claim.source == "tiff-resolution");
  CHECK(choice.claim.mpp_x == 0.25);
  CHECK(choice.claim.mpp_y == 0.26);
  REQUIRE(choice.warnings.size() == 1);
  CHECK(choice.warnings[0].find("264.6") != std::string::npos);
}

TEST_CASE("scales outside 0.05 to 10 um are not believed") {
  CHECK(believable_mpp(0.05));
  CHECK(believable_mpp(10.0));
  CHECK_FALSE(believable_mpp(0.0499));
  CHECK_FALSE(believable_mpp(10.1));
  CHECK_FALSE(believable_mpp(0.0));
  CHECK(choose_scale({resolution_claim(96, 96, 2)}).claim.source == "none");
}

TEST_CASE("two claims of one unbelievable scale are warned of once") {
  CHECK(choose_scale({{"vendor", 0.0, 0.0}, {"vendor", 0.0, 0.0}}).warnings.size() == 1);
}

TEST_CASE("a resolution without a unit is no claim of a scale") {
  CHECK_FALSE(resolution_claim(40000, 40000, 1).mpp_x.has_value());
  CHECK(resolution_claim(40000, 20000, 3).mpp_x == 0.25);
  CHECK(resolution_claim(40000, 20000, 3).mpp_y == 0.5);
  CHECK(*resolution_claim(101600, 101600, 2).mpp_x == Approx(0.25));
}

TEST_CASE("a resolution in millimetres or micrometres is read, another unit is named") {
  CHECK(resolution_claim(4000, 2000, 4).mpp_x == 0.25);
  CHECK(resolution_claim(4000, 2000, 4).mpp_y == 0.5);
  CHECK(resolution_claim(4, 4, 5).mpp_x == 0.25);
  CHECK_FALSE(resolution_claim(4, 4, 9).mpp_x.has_value());
  CHECK(resolution_claim(4, 4, 9).unknown_unit == "ResolutionUnit 9");
  CHECK(resolution_claim(0, 0, 9).unknown_unit.empty());
}

TEST_CASE("a scale guessed from the objective is the last choice and says so") {
  const auto choice = choose_scale({{"vendor", {}, {}}, objective_claim(40.0)});
  CHECK(choice.claim.source == "objective-assumed");
  CHECK(choice.claim.mpp_x == 0.25);
  REQUIRE(choice.warnings.size() == 1);
  CHECK(choice.warnings[0].find("assumed") != std::string::npos);
  CHECK(choose_scale({{"vendor", 0.5, {}}, objective_claim(40.0)}).claim.mpp_y == 0.5);
}
