#include "lib/output/mask_png.h"

#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/output/patterns.h"

namespace untiled {

TEST_CASE("a mask has ceil(size / d) rows and columns") {
  CHECK(mask_extent({2967, 2220}, 16) == Extent{186, 139});
  CHECK(mask_extent({16, 32}, 16) == Extent{1, 2});
  CHECK(mask_extent({1, 1}, 16) == Extent{1, 1});
}

TEST_CASE("a mask with too many pixels for a PNG is refused with the factor that would do") {
  const TemporaryFolder folder;
  const MaskFacts facts{.extent = {16'000, 64'000}};
  CHECK(least_png_downsample(facts.extent) == 4);
  CHECK_THROWS_AS(MaskPngWriter(folder / "mask.png", facts), ConfigError);
  CHECK_THROWS_WITH(MaskPngWriter(folder / "mask.png", facts),
                    contains_text("16000 x 64000") && contains_text("4 times smaller"));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a mask that was not finished leaves no file") {
  const TemporaryFolder folder;
  {
    MaskPngWriter png(folder / "mask.png", {.extent = {20, 30}});
    png.write_rows(mask_row(0, 30));
    CHECK_THROWS_AS(png.finish(), InternalError);
    CHECK_THROWS_AS(png.write_rows(mask_row(0, 29)), InternalError);
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

}  // namespace untiled
