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
#include "tests/slides/slides.h"

namespace untiled {
namespace {

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

/// A pyramid in memory: white, but for a dark square of level 0.
class SquarePyramid : public SlideReader {
 public:
  SquarePyramid(SlideInfo info, const Region& square)
      : SlideReader(std::move(info)), square_(square) {}

 private:
  PixelBlock read_pixels(int level, const Region& region) const override {
    const auto d = static_cast<int64_t>(info().levels[static_cast<size_t>(level)].downsample);
    PixelBlock block{region, 3, {}, {}};
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
        const int64_t y = row * d + d / 2;
        const int64_t x = col * d + d / 2;
        const bool dark = square_.contains({{y, y + 1}, {x, x + 1}});
        block.bytes.insert(block.bytes.end(), 3, dark ? 130 : 245);
      }
    }
    return block;
  }

  Region square_;
};

/// Levels of floor(size / d), as many scanners write them; the last one is that of the labels.
std::shared_ptr<const SlideReader> square_pyramid(const std::optional<Region>& bounds) {
  SlideInfo info;
  info.path = "pyramid.svs";
  info.levels = {{{2967, 2220}, 1.0}, {{741, 555}, 4.0}, {{185, 138}, 16.0}};
  info.bounds = bounds;
  return std::make_shared<SquarePyramid>(std::move(info), Region{{1100, 2700}, {500, 2000}});
}

/// Pixels whose label is not the same from the map and from the mask that was exported from it.
int64_t wrong_after_export(const std::shared_ptr<const SlideReader>& reader,
                           const TissueLabels& labels, const ViewOptions& options) {
  const TemporaryFolder folder;
  MaskPngWriter png(folder / "mask.png", {.extent = labels.map.low});
  png.write_rows({labels.map.classes.data(), labels.map.classes.size()});
  png.finish();
  const ViewInfo view = make_view(reader, options)->info();
  const Bytes direct = make_label_source(labels.map, view)->read(whole(view.extent)).bytes;
  const Bytes exported =
      open_mask(folder / "mask.png", view, {}, 255)->read(whole(view.extent)).bytes;
  int64_t wrong = 0;
  for (size_t i = 0; i < direct.size(); ++i) wrong += direct[i] != exported[i] ? 1 : 0;
  return wrong;
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
  CHECK_THAT(labels.tissue.warnings[0], contains_text("scale is unknown"));
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
  for (const auto& path : testing::small_and_real("aperio.svs", "CMU-1-Small-Region.svs")) {
    TissueOptions options;
    options.threads = 1;
    const TissueLabels one = label_tissue(open_slide(path), options);
    options.threads = 5;
    const TissueLabels five = label_tissue(open_slide(path), options);
    CHECK(one.map.classes == five.map.classes);
    CHECK(one.overview.rgb == five.overview.rgb);
  }
}

TEST_CASE("Aperio slides have a plausible share of tissue") {
  const auto small = open_slide(testing::small_slide("aperio.svs"));
  TissueOptions options;
  options.labels.min_object_um2 = 0;
  const TissueLabels drawn = label_tissue(small, options);
  CHECK(drawn.downsample == 16);
  CHECK(drawn.map.low == Extent{44, 33});
  CHECK(drawn.tissue.fraction == Approx(3.1416 * (0.29 * 0.29 + 0.24 * 0.24)).margin(0.03));
  const auto real = testing::real_slide("CMU-1-Small-Region.svs");
  if (!real) return;
  const TissueLabels labels = label_tissue(open_slide(*real), {});
  CHECK(labels.downsample == 16);
  CHECK(labels.map.low == Extent{186, 139});
  CHECK(labels.tissue.fraction > 0.3);
  CHECK(labels.tissue.fraction < 0.8);
  CHECK(labels.tissue.threshold.value() > 150);
  CHECK(labels.tissue.threshold.value() < 230);
}

TEST_CASE("labels that were exported as a mask are read back as they were") {
  for (const auto& path : testing::small_and_real("aperio.svs", "CMU-1-Small-Region.svs")) {
    const auto reader = open_slide(path);
    const TissueLabels labels = label_tissue(reader, {});
    CHECK(labels.tissue.fraction > 0);
    CHECK(wrong_after_export(reader, labels, {}) == 0);
    const auto direct = make_label_source(labels.map, make_view(reader, {})->info());
    const Extent all = labels.map.full;
    const Region part = {{all.rows / 4, all.rows}, {all.cols / 7, all.cols}};
    CHECK(direct->read(part).bytes == make_label_source(labels.map)->read(part).bytes);
  }
}

TEST_CASE("labels of a pyramid whose levels are short lie where its pixels do") {
  ViewOptions level1;
  level1.level = 1;
  for (const std::optional<int> level : {std::optional<int>(), std::optional<int>(2)}) {
    for (const std::optional<Region> bounds :
         {std::optional<Region>(), std::optional(Region{{37, 2901}, {55, 2205}})}) {
      const auto reader = square_pyramid(bounds);
      TissueOptions options;
      options.level = level;
      options.labels.median_um = 0;
      const TissueLabels labels = label_tissue(reader, options);
      REQUIRE(labels.downsample == 16);
      CHECK(labels.map.low == mask_extent(labels.map.full, 16));
      CHECK(labels.overview.extent == labels.map.low);
      CHECK(wrong_after_export(reader, labels, {}) == 0);
      CHECK(wrong_after_export(reader, labels, level1) == 0);
      const PixelBlock all = make_label_source(labels.map)->read(whole(labels.map.full));
      const Region frame = frame_of(reader->info(), Origin::kQuPath);
      const Region square =
          shift(Region{{1100, 2700}, {500, 2000}}, -frame.rows.begin, -frame.cols.begin);
      for (const int64_t inset :
           {16, -16}) {  // The labels' edge is within a pixel of the square's.
        const Region edge = {{square.rows.begin + inset, square.rows.end - inset},
                             {square.cols.begin + inset, square.cols.end - inset}};
        const auto label = [&](int64_t row, int64_t col) {
          return all.bytes[static_cast<size_t>(row * labels.map.full.cols + col)];
        };
        const int expected = inset > 0 ? 1 : 0;
        CHECK(label(edge.rows.begin, edge.cols.begin + 40) == expected);
        CHECK(label(edge.rows.end - 1, edge.cols.begin + 40) == expected);
        CHECK(label(edge.rows.begin + 40, edge.cols.begin) == expected);
        CHECK(label(edge.rows.begin + 40, edge.cols.end - 1) == expected);
      }
    }
  }
}

TEST_CASE("labels of other writers' pyramids are read back from their mask as they were") {
  for (const auto& path : testing::small_and_real("pyramid.tiff", "CropBreastSlide.tiff")) {
    const auto reader = open_slide(path);
    for (const int level : {3, 4, 5}) {
      TissueOptions options;
      options.level = level;
      const TissueLabels labels = label_tissue(reader, options);
      CHECK(labels.downsample == int64_t{1} << level);
      CHECK(labels.map.low == mask_extent(labels.map.full, labels.downsample));
      CHECK(wrong_after_export(reader, labels, {}) == 0);
    }
  }
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
