#include "data/tissue/tissue_labels.h"

#include <algorithm>
#include <filesystem>

#include "data/tissue/mask_file.h"
#include "lib/core/error.h"
#include "lib/output/mask_png.h"
#include "lib/output/preview.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/data/tissue/sources.h"

namespace untiled {
namespace {

std::filesystem::path shared_slide(const std::string& name) {
  return std::filesystem::path(UNTILED_SHARED_DIR) / "slides" / name;
}

/// A white image of 1,000 x 700 with a dark square, in a PNG that says no scale.
void write_square(const std::filesystem::path& path, const Region& square) {
  const Extent extent = {700, 1000};
  Picture picture{extent, {}};
  picture.rgb.assign(static_cast<size_t>(extent.area()) * 3, 245);
  for (int64_t row = square.rows.begin; row < square.rows.end; ++row) {
    std::fill_n(picture.rgb.begin() + (row * extent.cols + square.cols.begin) * 3,
                square.cols.size() * 3, uint8_t{130});
  }
  write_picture(path, picture);
}

}  // namespace

TEST_CASE("a slide without a scale is labelled at 1/16 and says so") {
  const TemporaryFolder folder;
  write_square(folder / "square.png", {{160, 480}, {320, 800}});
  const auto reader = open_slide(folder / "square.png");
  const TissueLabels labels = label_tissue(reader, {});
  CHECK(labels.downsample == 16);
  CHECK(labels.map.low == Extent{44, 63});
  CHECK(labels.map.full == Extent{700, 1000});
  CHECK_FALSE(labels.pixel);
  CHECK_FALSE(labels.area_mm2());
  REQUIRE(labels.tissue.warnings.size() == 1);
  CHECK_THAT(labels.tissue.warnings[0], Catch::Contains("scale is unknown"));
  // 20 x 30 low pixels, the corners rounded by the median filter.
  const auto tissue = std::count(labels.map.classes.begin(), labels.map.classes.end(), 1);
  CHECK(tissue <= 600);
  CHECK(tissue >= 588);
}

TEST_CASE("a stated scale sets the factor and the areas") {
  const TemporaryFolder folder;
  write_square(folder / "square.png", {{160, 480}, {320, 800}});
  const auto reader = open_slide(folder / "square.png");
  TissueOptions options;
  options.stated_mpp = 2.0;
  options.labels.median_um = 0;
  const TissueLabels labels = label_tissue(reader, options);
  CHECK(labels.downsample == 4);
  REQUIRE(labels.pixel);
  CHECK(labels.pixel->x_um == 8.0);
  CHECK(labels.area_mm2().value() == Approx(320 * 480 * 4 / 1e6));
  CHECK(labels.tissue.fraction == Approx(320.0 * 480 / 700 / 1000));
  CHECK(labels.tissue.warnings.empty());
}

TEST_CASE("labels do not depend on the number of threads") {
  const auto path = shared_slide("CMU-1-Small-Region.svs");
  if (!std::filesystem::exists(path)) UNTILED_SKIP("no " + path.string());
  TissueOptions options;
  options.threads = 1;
  const TissueLabels one = label_tissue(open_slide(path), options);
  options.threads = 5;
  const TissueLabels five = label_tissue(open_slide(path), options);
  CHECK(one.map.classes == five.map.classes);
  CHECK(one.overview.rgb == five.overview.rgb);
}

TEST_CASE("CMU-1 has a plausible share of tissue") {
  const auto path = shared_slide("CMU-1-Small-Region.svs");
  if (!std::filesystem::exists(path)) UNTILED_SKIP("no " + path.string());
  const TissueLabels labels = label_tissue(open_slide(path), {});
  CHECK(labels.downsample == 16);
  CHECK(labels.map.low == Extent{186, 139});
  CHECK(labels.tissue.fraction > 0.3);
  CHECK(labels.tissue.fraction < 0.8);
  CHECK(labels.tissue.threshold.value() > 150);
  CHECK(labels.tissue.threshold.value() < 230);
}

TEST_CASE("labels that were exported as a mask are read back as they were") {
  const auto path = shared_slide("CMU-1-Small-Region.svs");
  if (!std::filesystem::exists(path)) UNTILED_SKIP("no " + path.string());
  const TemporaryFolder folder;
  const auto reader = open_slide(path);
  const TissueLabels labels = label_tissue(reader, {});
  MaskPngWriter png(folder / "mask.png",
                    {labels.map.full, labels.downsample, {}, Origin::kQuPath, {"tissue"}});
  png.write_rows({labels.map.classes.data(), labels.map.classes.size()});
  png.finish();
  const auto view = make_view(reader, {});
  const auto direct = make_label_source(labels.map, view->info());
  const auto exported = open_mask(folder / "mask.png", view->info(), {}, 255);
  const Region part = {{700, 2967}, {300, 2220}};
  CHECK(direct->read(part).bytes == exported->read(part).bytes);
  CHECK(direct->read(part).bytes == make_label_source(labels.map)->read(part).bytes);
}

TEST_CASE("labels can be made at a pyramid level that is there") {
  const TemporaryFolder folder;
  write_square(folder / "square.png", {{160, 480}, {320, 800}});
  TissueOptions options;
  options.level = 3;
  CHECK_THROWS_AS(label_tissue(open_slide(folder / "square.png"), options), DataError);
  options.level = 0;
  CHECK(label_tissue(open_slide(folder / "square.png"), options).map.low == Extent{700, 1000});
}

}  // namespace untiled
