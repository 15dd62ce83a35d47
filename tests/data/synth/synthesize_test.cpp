#include "data/synth/synthesize.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "data/synth/pyramid_writer.h"
#include "data/tissue/index_png.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/stop.h"
#include "lib/output/jpeg_encoder.h"
#include "tests/catch.h"
#include "tests/core/file_size_limit.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

SynthOptions options_for(const fs::path& slide, const Extent& extent, int threads) {
  SynthOptions options;
  options.extent = extent;
  options.seed = 11;
  options.threads = threads;
  options.slide = slide;
  return options;
}

TEST_CASE("slide and mask have the same bytes for any number of threads, others for other seeds") {
  const TemporaryFolder folder;
  const Patches patches = draw_patches(11, 2);
  const fs::path one = folder.path() / "one.tif";
  const fs::path five = folder.path() / "five.tif";
  const fs::path other = folder.path() / "other.tif";
  synthesize(options_for(one, {1300, 2111}, 1), patches);
  synthesize(options_for(five, {1300, 2111}, 5), patches);
  SynthOptions options = options_for(other, {1300, 2111}, 2);
  options.seed = 12;
  synthesize(options, patches);
  CHECK((read_file(one) == read_file(five)));
  CHECK((read_file(synth_mask_path(one)) == read_file(synth_mask_path(five))));
  CHECK((read_file(one) != read_file(other)));
  CHECK((read_file(synth_mask_path(one)) != read_file(synth_mask_path(other))));
}

TEST_CASE("the report says what was made") {
  const TemporaryFolder folder;
  const fs::path slide = folder.path() / "new" / "slide.tif";
  const SynthReport report = synthesize(options_for(slide, {1300, 2111}, 2), draw_patches(1, 2));
  CHECK(report.mask == folder.path() / "new" / "slide.mask.png");
  CHECK(report.mask_downsample == 1);
  CHECK(report.levels == 2);
  CHECK(report.sections == 6);
  CHECK(report.tissue_fraction >= 0.2);
  CHECK(fs::exists(slide));
  CHECK(fs::exists(report.mask));
}

TEST_CASE("levels shrink by four until they fit on a screen") {
  CHECK(pyramid_extents({1024, 64}) == std::vector<Extent>{{1024, 64}});
  CHECK(pyramid_extents({16000, 64000}) ==
        std::vector<Extent>{{16000, 64000}, {4000, 16000}, {1000, 4000}, {250, 1000}});
  CHECK(pyramid_extents({65, 4098}) == std::vector<Extent>{{65, 4098}, {17, 1025}, {5, 257}});
}

TEST_CASE("a full disk is a data error that names the file, and leaves nothing") {
  const TemporaryFolder folder;
  const fs::path slide = folder.path() / "slide.tif";
  const Patches patches = draw_patches(1, 2);
  {
    const FileSizeLimit limit(200000);
    CHECK_THROWS_AS(synthesize(options_for(slide, {1300, 2111}, 2), patches), DataError);
    CHECK_THROWS_WITH(synthesize(options_for(slide, {1300, 2111}, 2), patches),
                      contains_text("slide.tif"));
  }
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a disk that fills up at the slide's last bytes leaves no mask either") {
  const TemporaryFolder folder;
  const fs::path slide = folder.path() / "slide.tif";
  const Patches patches = draw_patches(1, 2);
  synthesize(options_for(slide, {1300, 2111}, 2), patches);
  const auto size = fs::file_size(slide);
  fs::remove(slide);
  write_file(synth_mask_path(slide), "an older mask");
  {
    const FileSizeLimit limit(size - 10);
    CHECK_THROWS_WITH(synthesize(options_for(slide, {1300, 2111}, 2), patches),
                      contains_text("slide.tif"));
  }
  CHECK_FALSE(fs::exists(slide));
  CHECK(read_file(synth_mask_path(slide)) == "an older mask");
}

TEST_CASE("a lowered mask tells of the pixels at its centres") {
  const TemporaryFolder folder;
  const Patches patches = draw_patches(3, 2);
  SynthOptions options = options_for(folder.path() / "slide.tif", {1301, 1111}, 2);
  options.mask_downsample = 1;
  synthesize(options, patches);
  const IndexPlane truth = read_index_png(synth_mask_path(options.slide));
  for (const int64_t d : {2, 3, 7, 300}) {
    options.mask_downsample = d;
    CHECK(synthesize(options, patches).mask_downsample == d);
    const IndexPlane mask = read_index_png(synth_mask_path(options.slide));
    REQUIRE(mask.extent == Extent{ceil_div(1301, d), ceil_div(1111, d)});
    int64_t wrong = 0;
    for (int64_t i = 0; i < mask.extent.area(); ++i) {
      const int64_t row = std::min<int64_t>(i / mask.extent.cols * d + d / 2, 1300);
      const int64_t col = std::min<int64_t>(i % mask.extent.cols * d + d / 2, 1110);
      const auto at = static_cast<size_t>(row * 1111 + col);
      wrong += mask.indices[static_cast<size_t>(i)] != truth.indices[at] ? 1 : 0;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("a stop ends at the next row of tiles and leaves nothing") {
  const TemporaryFolder folder;
  const Patches patches = draw_patches(1, 2);
  request_stop(SIGINT);
  CHECK_THROWS_AS(synthesize(options_for(folder.path() / "a.tif", {600, 600}, 2), patches),
                  Interrupted);
  request_stop(0);
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("an extent that JPEG does not have is an error, and the next tile is encoded") {
  CHECK_THROWS_AS(encode_jpeg({}, {0, 10}, 85), InternalError);
  CHECK_FALSE(encode_jpeg(Bytes(16 * 16 * 3), {16, 16}, 85).empty());
}

TEST_CASE("sizes out of range are refused before anything is written") {
  const TemporaryFolder folder;
  const fs::path slide = folder.path() / "a.tif";
  for (const Extent& extent : {Extent{63, 500}, Extent{500, 0}, Extent{500, 1'000'001}}) {
    CHECK_THROWS_AS(synthesize(options_for(slide, extent, 1), {}), ConfigError);
  }
  CHECK(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace untiled
