// OME-Zarr folders and plain arrays as slides.
#include <filesystem>
#include <random>

#include "data/slide/fingerprint.h"
#include "data/slide/reader.h"
#include "lib/codecs/codecs.h"
#include "lib/core/atomic_file.h"
#include "lib/zarr/ome_image_writer.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

namespace fs = std::filesystem;

constexpr Extent kExtent = {301, 205};

OmeZarrImage pattern_image() {
  OmeZarrImage image;
  image.extent = kExtent;
  image.tile = 64;
  image.mpp_x = image.mpp_y = 0.25;
  image.shown = rgb_channels();
  image.codecs = {make_codec("zstd")};
  return image;
}

void write_slide(const fs::path& folder, const OmeZarrImage& image) {
  OmeImageWriter writer(folder, image);
  for (const Region& tile : writer.tiles()) {
    const PixelBlock block = pattern_block(tile);
    writer.write_tile(tile, block.bytes.data(), tile.cols.size() * 3);
  }
  writer.finish();
}

}  // namespace

TEST_CASE("an OME-Zarr folder is a slide with its levels, scale and tiles") {
  const TemporaryFolder folder;
  write_slide(folder / "a.ome.zarr", pattern_image());
  const auto reader = open_slide(folder / "a.ome.zarr");
  const SlideInfo& info = reader->info();
  CHECK(info.backend == "zarr");
  CHECK(info.vendor == "ome-zarr");
  REQUIRE(info.levels.size() == 4);
  CHECK(info.levels[0].extent == kExtent);
  CHECK(info.levels[0].tile == Extent{64, 64});
  CHECK(info.levels[3].extent == Extent{38, 26});
  CHECK(info.levels[3].downsample == 8);
  CHECK(info.mpp_x == 0.25);
  CHECK(info.mpp_source == "ome");
  CHECK(info.warnings.empty());
  const std::string error =
      data_error([&] { open_slide(folder / "a.ome.zarr", {.backend = Backend::kTiff}); });
  CHECK_THAT(error, contains_text("cannot be decoded by the backend tiff"));
}

TEST_CASE("pixels of a Zarr slide are the same by any region, layout and cache") {
  const TemporaryFolder folder;
  OmeZarrImage image = pattern_image();
  write_slide(folder / "interleaved.zarr", image);
  image.shard = 128;
  image.planar = true;
  write_slide(folder / "planar.zarr", image);
  image.version = OmeVersion::k04;
  image.shard = 0;
  image.codecs = {make_codec("zlib")};
  write_slide(folder / "v04.zarr", image);
  std::mt19937 random(4);
  const auto below = [&](int64_t count) { return static_cast<int64_t>(random()) % count; };
  for (const char* name : {"interleaved.zarr", "planar.zarr", "v04.zarr"}) {
    const auto reader = open_slide(folder / name, {.cache_bytes = 30'000});
    for (int turn = 0; turn < 60; ++turn) {
      const int64_t top = below(kExtent.rows);
      const int64_t left = below(kExtent.cols);
      const Region region = {{top, top + 1 + below(kExtent.rows - top)},
                             {left, left + 1 + below(kExtent.cols - left)}};
      const PixelBlock block = reader->read(0, region);
      REQUIRE(block.bytes == pattern_block(region).bytes);
      REQUIRE(block.missing.empty());
    }
  }
}

TEST_CASE("a chunk without a file is the fill value, and a damaged one an error with its name") {
  const TemporaryFolder folder;
  write_slide(folder / "a.zarr", pattern_image());
  fs::remove(folder / "a.zarr" / "0" / "c" / "0" / "1" / "1");
  write_file(folder / "a.zarr" / "0" / "c" / "0" / "0" / "0", "no chunk");
  const auto reader = open_slide(folder / "a.zarr");
  CHECK(reader->read(0, {{70, 72}, {70, 72}}).bytes == Bytes(12, 0));
  CHECK_THAT(data_error([&] {
               reader->read(0, {{0, 2}, {0, 2}});
             }),
             contains_text("0/c/0/0/0 is damaged"));
}

TEST_CASE("a Zarr slide whose centre cannot be decoded is refused when it is opened") {
  const TemporaryFolder folder;
  write_slide(folder / "a.zarr", pattern_image());
  write_file(folder / "a.zarr" / "0" / "c" / "0" / "2" / "1", "no chunk");
  CHECK_THAT(data_error([&] { open_slide(folder / "a.zarr"); }), contains_text("is damaged"));
}

TEST_CASE("a Zarr slide's fingerprint and hash change with any of its chunks") {
  const TemporaryFolder folder;
  write_slide(folder / "a.zarr", pattern_image());
  const auto identity = [&] {
    const auto reader = open_slide(folder / "a.zarr");
    return std::pair(fingerprint(reader->info()), content_hash(reader->info()));
  };
  const auto before = identity();
  CHECK(identity() == before);
  const fs::path chunk = folder / "a.zarr" / "0" / "c" / "0" / "0" / "0";
  fs::remove(chunk);
  CHECK(identity().first != before.first);
  CHECK(identity().second != before.second);
}

TEST_CASE("an array of (y, x, 3) alone is a slide of one level and unknown scale") {
  const TemporaryFolder folder;
  ArrayMetadata array;
  array.shape = {100, 90, 3};
  array.chunk = {64, 64, 3};
  ArrayWriter writer(folder / "a", array);
  for (const Region& tile : tile_grid({128, 128}, {64, 64})) {
    const PixelBlock block = pattern_block(tile);
    writer.write_chunk({tile.rows.begin / 64, tile.cols.begin / 64, 0},
                       {block.bytes.data(), block.bytes.size()});
  }
  writer.finish();
  const auto reader = open_slide(folder / "a");
  CHECK(reader->info().levels.size() == 1);
  CHECK(reader->info().mpp_source == "none");
  const Region region = {{10, 100}, {5, 90}};
  CHECK(reader->read(0, region).bytes == pattern_block(region).bytes);
}

namespace {

/// The metadata of an array without a chunk: all of it is fill value.
void write_empty_array(const fs::path& folder, const std::vector<int64_t>& shape) {
  ArrayMetadata array;
  array.shape = shape;
  array.chunk = {3, 16, 16};
  make_folder(folder);
  write_file(folder / "zarr.json", to_json_text(array));
}

/// An image whose second level has this many rows and columns, and this scale.
fs::path two_levels(const fs::path& folder, const Extent& second, double scale) {
  write_empty_array(folder / "0", {3, 100, 70});
  write_empty_array(folder / "1", {3, second.rows, second.cols});
  OmeMetadata image;
  image.axes = {{"c", "channel"}, {"y", "space", "micrometer"}, {"x", "space", "micrometer"}};
  image.datasets = {{"0", {1, 0.5, 0.5}}, {"1", {1, 0.5 * scale, 0.5 * scale}}};
  write_image_group(folder, image);
  return folder;
}

}  // namespace

TEST_CASE("a Zarr level that is padded to whole chunks has the scale that it says") {
  const TemporaryFolder folder;
  const auto padded = open_slide(two_levels(folder / "padded", {64, 48}, 2));
  REQUIRE(padded->info().levels.size() == 2);
  CHECK(padded->info().levels[1].downsample == 2);
  CHECK(padded->info().levels[1].extent == Extent{50, 35});
  const auto squeezed = open_slide(two_levels(folder / "squeezed", {64, 48}, 1.5));
  CHECK(squeezed->info().levels[1].extent == Extent{64, 48});
  CHECK(squeezed->info().levels[1].downsample == (100.0 / 64 + 70.0 / 48) / 2);
}

TEST_CASE("a Zarr level of another shape is another picture and left out") {
  const TemporaryFolder folder;
  const auto reader = open_slide(two_levels(folder / "a", {20, 32}, 4));
  CHECK(reader->info().levels.size() == 1);
  REQUIRE(reader->info().warnings.size() == 1);
  CHECK_THAT(reader->info().warnings.front(), contains_text("its level 1 of 20 x 32"));
}

TEST_CASE(
    "levels of a Zarr folder that grow, and sizes that none has, are refused for what they are") {
  const TemporaryFolder folder;
  CHECK_THAT(data_error([&] {
               open_slide(two_levels(folder / "grows", {200, 140}, 0.5));
             }),
             contains_text("go from the largest down"));
  two_levels(folder / "huge", {50, 35}, 2);
  write_empty_array(folder / "huge" / "0", {3, int64_t{1} << 40, int64_t{1} << 40});
  CHECK_THAT(data_error([&] { open_slide(folder / "huge"); }), contains_text("it claims"));
}

namespace {

/// Changes the text of a group's metadata.
void change(const fs::path& folder, const std::string& from, const std::string& to) {
  std::string text = read_file(folder / "zarr.json");
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  write_file(folder / "zarr.json", text.replace(at, from.size(), to));
}

}  // namespace

TEST_CASE("a unit of null is none, and a name with a slash behind it the same name") {
  const TemporaryFolder folder;
  write_slide(folder / "a.zarr", pattern_image());
  change(folder / "a.zarr", "\"path\": \"0\"", "\"path\": \"0/\"");
  CHECK(open_slide(folder / "a.zarr")->info().mpp_x == 0.25);
  for (int axis = 0; axis < 2; ++axis) {
    change(folder / "a.zarr", "\"unit\": \"micrometer\"", "\"unit\": null");
  }
  CHECK(open_slide(folder / "a.zarr")->info().mpp_source == "none");
}

TEST_CASE("a bare NaN in a Zarr folder's metadata is named") {
  const TemporaryFolder folder;
  write_slide(folder / "a.zarr", pattern_image());
  change(folder / "a.zarr", "0.25", "NaN");
  CHECK_THAT(data_error([&] { open_slide(folder / "a.zarr"); }), contains_text("NaN or Infinity"));
}

TEST_CASE("channels without names are told by their colours where they are no RGB") {
  const TemporaryFolder folder;
  OmeZarrImage image = pattern_image();
  image.shown = {{"", {0, 0, 255}}, {"", {0, 255, 0}}, {"", {255, 0, 0}}};
  write_slide(folder / "a.zarr", image);
  CHECK_THAT(data_error([&] { open_slide(folder / "a.zarr"); }),
             contains_text("one of colour 0000FF"));
}

TEST_CASE("of the images that a Zarr group lists the largest that is no label is the slide") {
  const TemporaryFolder folder;
  write_slide(folder / "a.zarr", pattern_image());
  OmeZarrImage small = pattern_image();
  small.extent = {40, 30};
  write_slide(folder / "a.zarr" / "label", small);
  change(folder / "a.zarr", "\"multiscales\": [",
         R"("multiscales": [{"name": "label", "axes": [{"name": "y"}, {"name": "x"}, {"name": "c"}],
             "datasets": [{"path": "label/0"}]}, )");
  const auto reader = open_slide(folder / "a.zarr");
  CHECK(reader->info().levels.front().extent == kExtent);
  REQUIRE(reader->info().warnings.size() == 1);
  CHECK_THAT(reader->info().warnings.front(), contains_text("image 1, is read"));
}

TEST_CASE("a SpatialData folder is refused with the place of its images") {
  const TemporaryFolder folder;
  const fs::path root = folder / "a.zarr";
  write_slide(root / "images" / "he", pattern_image());
  write_file(root / "zarr.json", R"({"zarr_format": 3, "node_type": "group", "attributes": {}})");
  CHECK_THAT(data_error([&] { open_slide(root); }),
             contains_text("give one of its images, a folder in " + (root / "images").string()));
  CHECK(open_slide(root / "images" / "he")->info().levels.front().extent == kExtent);
}

TEST_CASE("the images of bioformats2raw's layout are those that its list of series names") {
  const TemporaryFolder folder;
  const fs::path slides = folder / "a.zarr";
  OmeZarrImage small = pattern_image();
  small.extent = {40, 30};
  write_slide(slides / "0", small);
  write_slide(slides / "scan", pattern_image());
  const auto group = [&](const fs::path& file, const std::string& ome) {
    make_folder(file.parent_path());
    write_file(
        file,
        R"({"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": "0.5", )" +
            ome + "}}}");
  };
  group(slides / "zarr.json", R"("bioformats2raw.layout": 3)");
  group(slides / "OME" / "zarr.json", R"("series": ["0", "scan"])");
  CHECK(open_slide(slides)->info().levels.front().extent == kExtent);
  group(slides / "OME" / "zarr.json", R"("series": ["../b"])");
  CHECK_THAT(data_error([&] { open_slide(slides); }), contains_text("names inside of the folder"));
}

TEST_CASE("of the images of a Zarr folder the largest that is no macro or label is the slide") {
  const TemporaryFolder folder;
  const fs::path slides = folder / "a.zarr";
  OmeZarrImage small = pattern_image();
  small.extent = {40, 30};
  small.mpp_x = small.mpp_y = 4;
  write_slide(slides / "0", small);
  write_slide(slides / "1", pattern_image());
  OmeZarrImage large = pattern_image();
  large.extent = {400, 300};
  large.name = "macro image";
  write_slide(slides / "2", large);
  write_slide(slides / "3", large);
  write_file(slides / "3" / "zarr.json", "{}");
  write_file(slides / "zarr.json",
             R"({"zarr_format": 3, "node_type": "group", "attributes":
                 {"ome": {"version": "0.5", "bioformats2raw.layout": 3}}})");
  const auto reader = open_slide(slides);
  CHECK(reader->info().levels.front().extent == kExtent);
  CHECK(reader->info().mpp_x == 0.25);
  REQUIRE(reader->info().warnings.size() == 1);
  CHECK_THAT(reader->info().warnings.front(), contains_text("image 1, is read"));
}

TEST_CASE("the OME-XML beside the images of a Zarr folder names those that are no slide") {
  const TemporaryFolder folder;
  const fs::path slides = folder / "a.zarr";
  OmeZarrImage large = pattern_image();
  large.extent = {400, 300};
  write_slide(slides / "0", large);
  write_slide(slides / "1", pattern_image());
  write_file(slides / "zarr.json",
             R"({"zarr_format": 3, "node_type": "group", "attributes":
                 {"ome": {"version": "0.5", "bioformats2raw.layout": 3}}})");
  CHECK(open_slide(slides)->info().levels.front().extent == large.extent);
  make_folder(slides / "OME");
  const std::string pixels = R"(<Pixels Type="uint8" SizeX="9" SizeY="9" SizeC="3"/></Image>)";
  write_file(slides / "OME" / "METADATA.ome.xml", "<OME><Image Name=\"label image\">" + pixels +
                                                      "<Image Name=\"scan\">" + pixels + "</OME>");
  CHECK(open_slide(slides)->info().levels.front().extent == kExtent);
}
