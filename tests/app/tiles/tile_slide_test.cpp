#include "app/tiles/tile_slide.h"

#include <filesystem>
#include <string>

#include "data/slide/view.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/slides/slides.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

BatchOutcome tile_picture(const TileJob& job, const fs::path& out) {
  BatchOptions options;
  options.out = out;
  options.slides = {{.path = testing::small_slide("picture.png")}};
  options.endings = {ending_of(job.output.format)};
  options.settings_hash = "s";
  return run_batch(options, [&](SlideTask task) { return tile_slide(job, {}, std::move(task)); });
}

TileJob plain_job() {
  TileJob job{.filter = "none", .chain = filters::parse_filters("none")};
  job.output.chunk = 64;
  job.workers = 2;
  return job;
}

/// All of a slide's pixels, or those of a part.
Bytes pixels_of(const fs::path& slide, const std::optional<Region>& part = {}) {
  const auto view = make_view(open_slide(slide), {});
  return view->read(part.value_or(whole(view->extent()))).bytes;
}

}  // namespace

TEST_CASE("a slide that is tiled without a filter is read back with the bytes that it has") {
  const TemporaryFolder folder;
  const BatchOutcome outcome = tile_picture(plain_job(), folder.path());
  REQUIRE(outcome.slides.size() == 1);
  const SlideReport& report = outcome.slides[0].report;
  INFO(report.reason);
  REQUIRE(report.outputs.size() == 1);
  CHECK(pixels_of(folder / report.outputs[0]) == pixels_of(testing::small_slide("picture.png")));
  CHECK(std::get<TileDetails>(report.details).filter == "none");
  CHECK(outcome.slides[0].costs);
}

TEST_CASE("a region is that part of the slide, and one beyond the slide is refused") {
  const TemporaryFolder folder;
  TileJob job = plain_job();
  job.region = Region{{17, 200}, {30, 300}};
  const BatchOutcome outcome = tile_picture(job, folder.path());
  REQUIRE(outcome.slides.size() == 1);
  INFO(outcome.slides[0].report.reason);
  REQUIRE(outcome.slides[0].report.outputs.size() == 1);
  CHECK(pixels_of(folder / outcome.slides[0].report.outputs[0]) ==
        pixels_of(testing::small_slide("picture.png"), job.region));
  job.region = Region{{17, 200}, {30, 3000}};
  const TemporaryFolder other;
  CHECK(tile_picture(job, other.path()).failed == 1);
}

TEST_CASE("without a device's name the CPU filters, and unknown names are refused") {
  CHECK(open_filter_device("cpu") == nullptr);
  CHECK_THROWS_AS(open_filter_device("gpu7"), ConfigError);
}

}  // namespace untiled
