// Expected numbers come from openslide-python 1.4.7 (OpenSlide 4.0.1), tifffile and Pillow.
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

}  // namespace

TEST_CASE("the Aperio slide has OpenSlide's facts and pixels") {
  const auto path = shared_slide("CMU-1-Small-Region.svs");
  if (!std::filesystem::exists(path)) UNTILED_SKIP("no " + path.string());
  const auto reader = open_slide(path);
  const SlideInfo& info = reader->info();
  CHECK(info.vendor == "aperio");
  CHECK(info.levels.size() == 1);
  CHECK(info.levels[0].extent == Extent{2967, 2220});
  CHECK(info.mpp_x == 0.499);
  CHECK(info.mpp_y == 0.499);
  CHECK(info.mpp_source == "vendor");
  CHECK(info.objective_power == 20.0);
  CHECK_FALSE(info.bounds.has_value());
  CHECK(info.background == kWhite);
  CHECK(info.quickhash == "6335ea0e6cc54c2cba64bb265d3c713a50cd84484924e3a9c109558c13521d5c");
  CHECK(info.files == std::vector<std::filesystem::path>{path});
  CHECK(level_sum(*reader, 0) == 38750972961317580U);
  const PixelBlock part = reader->read(0, {{1000, 1301}, {700, 1403}});
  CHECK(weighted_sum(part.bytes) == 32255728927962U);
  CHECK(part.missing.empty());
  CHECK(reader->read(0, {{1500, 1501}, {1000, 1001}}).bytes == Bytes{245, 241, 255});
  CHECK(all_tiles_equal_the_whole(*reader, 0, {333, 217}));
}

TEST_CASE("all levels of the generic TIFF pyramid have tifffile's pixels and whole scales") {
  const auto path = shared_slide("CropBreastSlide.tiff");
  if (!std::filesystem::exists(path)) UNTILED_SKIP("no " + path.string());
  const auto reader = open_slide(path);
  const SlideInfo& info = reader->info();
  const std::vector<uint64_t> sums = {8026171181504845, 500490826669159, 31281029526935,
                                      1944872478407,    121556649101,    7322365137};
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

TEST_CASE("the OME-TIFF that OpenSlide refuses has tifffile's pixels and its OME scale") {
  const auto path = shared_slide("OS-2.ome.tif");
  if (!std::filesystem::exists(path)) UNTILED_SKIP("no " + path.string());
  const auto reader = open_slide(path);
  const SlideInfo& info = reader->info();
  CHECK(info.vendor == "ome-tiff");
  CHECK(info.levels[0].extent == Extent{2202, 2202});
  CHECK(info.mpp_source == "ome");
  CHECK(*info.mpp_x == Approx(0.2270972430394695));
  CHECK(*info.mpp_y == Approx(0.22710240047237298));
  CHECK(level_sum(*reader, 0) == 19961371094379975U);
  CHECK(weighted_sum(reader->read(0, {{500, 700}, {300, 1111}}).bytes) == 21974133063028U);
  CHECK(reader->read(0, {{1100, 1101}, {1100, 1101}}).bytes == Bytes{120, 154, 189});
}

TEST_CASE("the dark NDPI slide has OpenSlide's pixels at every level") {
  const auto path = shared_slide("fluorescence.ndpi");
  if (!std::filesystem::exists(path)) UNTILED_SKIP("no " + path.string());
  const auto reader = open_slide(path);
  CHECK(reader->info().backend == "openslide");
  CHECK(reader->info().vendor == "hamamatsu");
  CHECK(*reader->info().mpp_x == Approx(0.2281750559028887));
  const std::vector<uint64_t> sums = {10185980228984689, 658685169969524, 43137415083825,
                                      2823188800962,     174238033584,    10761118916,
                                      679256829};
  REQUIRE(reader->info().levels.size() == sums.size());
  for (size_t level = 0; level < sums.size(); ++level) {
    CHECK(level_sum(*reader, static_cast<int>(level)) == sums[level]);
  }
  CHECK(all_tiles_equal_the_whole(*reader, 2, {333, 217}));
}

TEST_CASE("plain images have Pillow's pixels") {
  const std::vector<std::pair<const char*, uint64_t>> expected = {
      {"Case001_HE.jpg", 1853456712984901U},
      {"Rat_Kidney_HE.jpg", 2510977597888365U},
      {"section29.jpg", 29171372468263303U},
      {"green-pen.png", 142800998131013U}};
  for (const auto& [name, sum] : expected) {
    const auto path = shared_slide(name);
    if (!std::filesystem::exists(path)) UNTILED_SKIP("no " + path.string());
    const auto reader = open_slide(path);
    CHECK(reader->info().backend == "image");
    CHECK(level_sum(*reader, 0) == sum);
    CHECK(reader->info().held_bytes >= reader->info().levels[0].extent.area() * 3);
  }
}

TEST_CASE("private properties of the Aperio slide are marked") {
  const auto path = shared_slide("CMU-1-Small-Region.svs");
  if (!std::filesystem::exists(path)) UNTILED_SKIP("no " + path.string());
  const auto reader = open_slide(path);
  int hidden = 0;
  for (const Property& property : reader->info().properties) {
    if (property.is_private) ++hidden;
    const bool holds_user = property.value.find("b414003d") != std::string::npos;
    if (holds_user) CHECK(property.is_private);
  }
  CHECK(hidden >= 6);
}

TEST_CASE("a slide's fingerprint is the same each time and its hash is of its bytes alone") {
  const auto path = shared_slide("CropBreastSlide.tiff");
  if (!std::filesystem::exists(path)) UNTILED_SKIP("no " + path.string());
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
  const auto path = shared_slide("CMU-1-Small-Region.svs");
  if (!std::filesystem::exists(path)) UNTILED_SKIP("no " + path.string());
  const auto reader = open_slide(path);
  CHECK(data_error([&] {
          reader->read(3, {{0, 1}, {0, 1}});
        }).find("no level 3") != std::string::npos);
  const std::string outside = data_error([&] { reader->read(0, {{0, 2968}, {0, 1}}); });
  CHECK(outside.find("2967 x 2220") != std::string::npos);
  CHECK(outside.find("CMU-1-Small-Region.svs") != std::string::npos);
  CHECK_THROWS_AS(reader->read(0, {{-1, 1}, {0, 1}}), DataError);
  CHECK(reader->read(0, {{5, 5}, {0, 10}}).bytes.empty());
}
