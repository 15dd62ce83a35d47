// Slides of other writers. Expected numbers come from openslide-python 1.4.7 (OpenSlide 4.0.1),
// tifffile and Pillow; those of small slides are what tests/slides/make_slides.py prints.
#include <filesystem>

#include "data/slide/fingerprint.h"
#include "data/slide/reader.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

uint64_t level_sum(const SlideReader& reader, int level) {
  return weighted_sum(
      reader.read(level, whole(reader.info().levels[static_cast<size_t>(level)].extent)).bytes);
}

bool all_tiles_equal_the_whole(const SlideReader& reader, int level, const Extent& tile) {
  const Extent extent = reader.info().levels[static_cast<size_t>(level)].extent;
  const PixelBlock full = reader.read(level, whole(extent));
  for (const Region& region : tile_grid(extent, tile)) {
    const PixelBlock part = reader.read(level, region);
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      const auto from = static_cast<size_t>((row - region.rows.begin) * region.cols.size() * 3);
      const auto to = static_cast<size_t>((row * extent.cols + region.cols.begin) * 3);
      const auto count = static_cast<std::ptrdiff_t>(region.cols.size() * 3);
      if (!std::equal(&part.bytes[from], &part.bytes[from] + count, &full.bytes[to])) return false;
    }
  }
  return true;
}

struct AperioFacts {
  Extent extent;
  std::string quickhash;
  uint64_t sum = 0;
};

void check_aperio(const std::filesystem::path& path, const AperioFacts& expected) {
  const auto reader = open_slide(path);
  const SlideInfo& info = reader->info();
  CHECK(info.vendor == "aperio");
  CHECK(info.levels.size() == 1);
  CHECK(info.levels[0].extent == expected.extent);
  CHECK(info.mpp_x == 0.499);
  CHECK(info.mpp_y == 0.499);
  CHECK(info.mpp_source == "vendor");
  CHECK(info.objective_power == 20.0);
  CHECK_FALSE(info.bounds.has_value());
  CHECK(info.background == kWhite);
  CHECK(info.quickhash == expected.quickhash);
  CHECK(info.files == std::vector<std::filesystem::path>{path});
  CHECK(level_sum(*reader, 0) == expected.sum);
  CHECK(all_tiles_equal_the_whole(*reader, 0, {333, 217}));
}

void check_pyramid(const std::filesystem::path& path, const std::vector<uint64_t>& sums) {
  const auto reader = open_slide(path);
  const SlideInfo& info = reader->info();
  REQUIRE(info.levels.size() == sums.size());
  for (size_t level = 0; level < sums.size(); ++level) {
    CHECK(info.levels[level].downsample == static_cast<double>(1 << level));
    CHECK(level_sum(*reader, static_cast<int>(level)) == sums[level]);
    CHECK(all_tiles_equal_the_whole(*reader, static_cast<int>(level), {101, 77}));
  }
  CHECK_FALSE(info.mpp_x.has_value());
  CHECK(info.mpp_source == "none");
  CHECK(info.warnings.size() == 1);
}

void check_ome(const std::filesystem::path& path, const Extent& extent, uint64_t sum) {
  const auto reader = open_slide(path);
  const SlideInfo& info = reader->info();
  CHECK(info.vendor == "ome-tiff");
  CHECK(info.levels[0].extent == extent);
  CHECK(info.mpp_source == "ome");
  CHECK(*info.mpp_x == Approx(0.2270972430394695));
  CHECK(*info.mpp_y == Approx(0.22710240047237298));
  CHECK(level_sum(*reader, 0) == sum);
}

void check_dark(const std::filesystem::path& path, const std::vector<uint64_t>& sums,
                int tried_level) {
  const auto reader = open_slide(path);
  CHECK(reader->info().backend == "openslide");
  CHECK(reader->info().vendor == "hamamatsu");
  CHECK(*reader->info().mpp_x == Approx(0.2281750559028887));
  REQUIRE(reader->info().levels.size() == sums.size());
  for (size_t level = 0; level < sums.size(); ++level) {
    CHECK(level_sum(*reader, static_cast<int>(level)) == sums[level]);
  }
  CHECK(all_tiles_equal_the_whole(*reader, tried_level, {333, 217}));
}

void check_image(const std::filesystem::path& path, uint64_t sum) {
  INFO(path);
  const auto reader = open_slide(path);
  CHECK(reader->info().backend == "image");
  CHECK(level_sum(*reader, 0) == sum);
  CHECK(reader->info().held_bytes >= reader->info().levels[0].extent.area() * 3);
}

}  // namespace

TEST_CASE("Aperio slides have OpenSlide's facts and pixels") {
  check_aperio(small_slide("aperio.svs"),
               {.extent = {701, 523},
                .quickhash = "c65e5fc3e321999f08e469df0fa6b504cb706e72997b4cd1e7b1a01489f47ee7",
                .sum = 127343068916057U});
  const auto real = real_slide("CMU-1-Small-Region.svs");
  if (!real) return;
  check_aperio(*real,
               {.extent = {2967, 2220},
                .quickhash = "6335ea0e6cc54c2cba64bb265d3c713a50cd84484924e3a9c109558c13521d5c",
                .sum = 38750972961317580U});
  const auto reader = open_slide(*real);
  const PixelBlock part = reader->read(0, {{1000, 1301}, {700, 1403}});
  CHECK(weighted_sum(part.bytes) == 32255728927962U);
  CHECK(part.missing.empty());
  CHECK(reader->read(0, {{1500, 1501}, {1000, 1001}}).bytes == Bytes{245, 241, 255});
}

TEST_CASE("all levels of generic TIFF pyramids have tifffile's pixels and whole scales") {
  check_pyramid(small_slide("pyramid.tiff"), {274330718935197, 17037786615085, 1051622421286,
                                              65013354064, 3857966099, 226555940});
  const auto real = real_slide("CropBreastSlide.tiff");
  if (!real) return;
  check_pyramid(*real, {8026171181504845, 500490826669159, 31281029526935, 1944872478407,
                        121556649101, 7322365137});
}

TEST_CASE("OME-TIFFs that OpenSlide refuses have tifffile's pixels and their OME scale") {
  check_ome(small_slide("picture.ome.tif"), {441, 443}, 36038621502686U);
  const auto real = real_slide("OS-2.ome.tif");
  if (!real) return;
  check_ome(*real, {2202, 2202}, 19961371094379975U);
  const auto reader = open_slide(*real);
  CHECK(weighted_sum(reader->read(0, {{500, 700}, {300, 1111}}).bytes) == 21974133063028U);
  CHECK(reader->read(0, {{1100, 1101}, {1100, 1101}}).bytes == Bytes{120, 154, 189});
}

TEST_CASE("dark NDPI slides have OpenSlide's pixels at every level") {
  check_dark(small_slide("dark.ndpi"),
             {10574100143034, 660909624912, 41298390204, 2577448985, 160902255, 10078707}, 0);
  const auto real = real_slide("fluorescence.ndpi");
  if (!real) return;
  check_dark(*real,
             {10185980228984689, 658685169969524, 43137415083825, 2823188800962, 174238033584,
              10761118916, 679256829},
             2);
}

TEST_CASE("plain images have Pillow's pixels") {
  check_image(small_slide("picture.jpg"), 23111962076672U);
  check_image(small_slide("picture.png"), 23406383419612U);
  const std::vector<std::pair<const char*, uint64_t>> real = {
      {"Case001_HE.jpg", 1853456712984901U},
      {"Rat_Kidney_HE.jpg", 2510977597888365U},
      {"section29.jpg", 29171372468263303U},
      {"green-pen.png", 142800998131013U}};
  for (const auto& [name, sum] : real) {
    if (const auto path = real_slide(name)) check_image(*path, sum);
  }
}

TEST_CASE("private properties of Aperio slides are marked") {
  for (const auto& path : small_and_real("aperio.svs", "CMU-1-Small-Region.svs")) {
    int hidden = 0;
    int users = 0;
    const auto slide = open_slide(path);
    for (const Property& property : slide->info().properties) {
      if (property.is_private) ++hidden;
      const bool holds_user = property.value.find("b414003d") != std::string::npos;
      if (holds_user) ++users;
      if (holds_user) CHECK(property.is_private);
    }
    CHECK(hidden >= 6);
    CHECK(users > 0);
  }
}

TEST_CASE("a slide's fingerprint is the same each time and its hash is of its bytes alone") {
  const auto path = small_slide("pyramid.tiff");
  const TemporaryFolder folder;
  const auto copy = folder / "other name.tif";
  std::filesystem::copy_file(path, copy);
  const SlideInfo info = open_slide(path)->info();
  const SlideInfo copied = open_slide(copy)->info();
  CHECK(fingerprint(info).size() == 32);
  CHECK(fingerprint(info) == fingerprint(open_slide(path)->info()));
  CHECK(fingerprint(info) != fingerprint(copied));  // Another time of change.
  CHECK(content_hash(info) == content_hash(copied));
}

TEST_CASE("levels and regions that a slide does not have are refused with its numbers") {
  const auto path = small_slide("aperio.svs");
  const auto reader = open_slide(path);
  CHECK(data_error([&] {
          reader->read(3, {{0, 1}, {0, 1}});
        }).find("no level 3") != std::string::npos);
  const std::string outside = data_error([&] { reader->read(0, {{0, 702}, {0, 1}}); });
  CHECK(outside.find("701 x 523") != std::string::npos);
  CHECK(outside.find("aperio.svs") != std::string::npos);
  CHECK_THROWS_AS(reader->read(0, {{-1, 1}, {0, 1}}), DataError);
  CHECK(reader->read(0, {{5, 5}, {0, 10}}).bytes.empty());
}
