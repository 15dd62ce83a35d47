// Which of the images of a file is the slide, and which are its levels.
#include "data/slide/image_description.h"
#include "data/slide/reader.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

TiffImage image_of(const Extent& extent, int64_t tile, uint32_t subfile_type = 0,
                   int64_t step = 1) {
  TiffImage image;
  image.extent = extent;
  image.tile = tile;
  image.subfile_type = subfile_type;
  image.step = step;
  return image;
}

std::shared_ptr<const SlideReader> open(const std::vector<TiffChain>& chain,
                                        const char* name = "a.tif") {
  const TemporaryFolder folder;
  write_tiff(folder / name, chain);
  auto reader = open_slide(folder / name);
  reader->read(0, {{0, 1}, {0, 1}});
  return reader;
}

const std::string kTwoImages =
    R"(<OME><Image Name="macro image"><Pixels SizeX="160" SizeY="120" SizeC="3" PhysicalSizeX="4">)"
    R"(<Channel SamplesPerPixel="3"/><TiffData IFD="0" PlaneCount="1"/></Pixels></Image>)"
    R"(<Image Name="slide"><Pixels SizeX="400" SizeY="300" SizeC="3" PhysicalSizeX="0.25">)"
    R"(<Channel SamplesPerPixel="3"/><TiffData IFD="1" PlaneCount="1"/></Pixels></Image></OME>)";

constexpr uint32_t kReduced = FILETYPE_REDUCEDIMAGE;

}  // namespace

TEST_CASE("the slide is the largest image, wherever it stands and whoever opens the file") {
  for (const int64_t tile : {64, 0}) {
    INFO("macro in tiles of " << tile);
    TiffImage macro = image_of({120, 160}, tile);
    macro.description = kTwoImages;
    const auto reader =
        open({{macro, {}}, {image_of({300, 400}, 128), {image_of({150, 200}, 128, kReduced, 2)}}});
    const SlideInfo& info = reader->info();
    CHECK(info.levels.at(0).extent == Extent{300, 400});
    REQUIRE(info.levels.size() == 2);
    CHECK(info.levels[1].downsample == 2.0);
    CHECK(info.mpp_x == 0.25);
    REQUIRE(info.warnings.size() == 1);
    CHECK_THAT(info.warnings[0], contains_text("1 further images"));
    CHECK(reader->read(0, {{7, 8}, {9, 10}}).bytes == pattern_block({{7, 8}, {9, 10}}).bytes);
  }
}

TEST_CASE("a macro image that is larger than the slide is no slide by its name") {
  TiffImage macro = image_of({600, 800}, 128);
  for (const char* text : {"macro 800x600", "Aperio Image\r\nlabel 800x600", "Thumbnail",
                           "Overview", "<Q><ImageType>Label</ImageType></Q>"}) {
    INFO(text);
    macro.description = text;
    CHECK(open({{image_of({300, 400}, 128), {}}, {macro, {}}})->info().levels.at(0).extent ==
          Extent{300, 400});
  }
  macro.description = "a label of tumour";
  CHECK(open({{image_of({300, 400}, 128), {}}, {macro, {}}})->info().levels.at(0).extent ==
        macro.extent);
}

TEST_CASE("names of pictures beside the slide begin a line, or end it in brackets") {
  CHECK(names_other_picture("label"));
  CHECK(names_other_picture("Aperio Image Library v10\r\n Macro 1280x431"));
  CHECK(names_other_picture("thumbnail image"));
  CHECK(names_other_picture("label-image"));
  CHECK(names_other_picture("scan.svs [macro image]"));
  CHECK(names_other_picture("scan.svs (Label)"));
  CHECK(names_other_picture("slide label"));
  CHECK(names_other_picture("scan.svs #2 macro"));
  CHECK(names_other_picture("scan/Label"));
  CHECK(names_other_picture("slide: overview image"));
  CHECK_FALSE(names_other_picture("slides/labelled"));
  CHECK_FALSE(names_other_picture("scan: label of tumour"));
  CHECK_FALSE(names_other_picture("slide 3"));
  CHECK_FALSE(names_other_picture("labels of nuclei"));
  CHECK_FALSE(names_other_picture("label-free tissue"));
  CHECK_FALSE(names_other_picture("scan.svs [0]"));
  CHECK_FALSE(names_other_picture("scan [macrophages]"));
  CHECK_FALSE(names_other_picture("Aperio|Title = label"));
  CHECK_FALSE(names_other_picture(""));
}

TEST_CASE("a pyramid may begin with its smallest level") {
  for (const auto first_flag : {kReduced, uint32_t{0}}) {
    const auto reader = open({{image_of({75, 100}, 64, first_flag, 4), {}},
                              {image_of({150, 200}, 64, kReduced, 2), {}},
                              {image_of({300, 400}, 64), {}}});
    CHECK(reader->info().levels.at(0).extent == Extent{300, 400});
    CHECK(reader->info().levels.size() == (first_flag == kReduced ? 3 : 2));
    CHECK(reader->read(1, {{3, 4}, {5, 6}}).bytes == pattern_block({{6, 7}, {10, 11}}).bytes);
  }
}

TEST_CASE("the full image may be a SubIFD of its thumbnail, of the same shape or another") {
  for (const Extent& small : {Extent{75, 100}, Extent{50, 100}}) {
    TiffImage thumbnail = image_of(small, 64);
    thumbnail.subfile_type = kReduced;
    const auto reader = open({{thumbnail, {image_of({600, 800}, 64)}}});
    CHECK(reader->info().levels.front().extent == Extent{600, 800});
    CHECK(reader->info().levels.size() == (small.rows == 75 ? 2 : 1));
    const Region region = {{3, 40}, {5, 60}};
    CHECK(reader->read(0, region).bytes == pattern_block(region).bytes);
  }
}

TEST_CASE("a page of another shape is no level, in generic TIFFs and in Aperio's") {
  for (const char* description :
       {"", "Aperio Image Library v11\r\n2220x2967 |AppMag = 20|MPP = 0.5"}) {
    INFO(description);
    TiffImage slide = image_of({2966, 2220}, 240);
    slide.description = description;
    const TiffImage label = image_of({200, 320}, 64, kReduced);
    const TiffImage half = image_of({1483, 1110}, 240, kReduced, 2);
    const auto reader = open({{slide, {}}, {half, {}}, {label, {}}}, "a.svs");
    REQUIRE(reader->info().levels.size() == 2);
    CHECK(reader->info().levels[1].extent == half.extent);
    CHECK(reader->info().levels[1].downsample == 2.0);
    // OpenSlide decodes what has tiles without data, and counts the label as a level.
    TiffImage sparse = slide;
    sparse.skipped_tiles = {5};
    const TemporaryFolder folder;  // OpenSlide opens the file again to read from it.
    write_tiff(folder / "b.svs", {{sparse, {}}, {half, {}}, {label, {}}});
    const auto by_openslide = open_slide(folder / "b.svs");
    REQUIRE(by_openslide->info().levels.size() == 2);
    CHECK(by_openslide->info().levels[1].extent == half.extent);
    CHECK(by_openslide->read(1, {{1480, 1481}, {1100, 1101}}).bytes ==
          pattern_block({{2960, 2961}, {2200, 2201}}).bytes);
  }
}

TEST_CASE("of two pyramids in one chain the larger one's levels are taken") {
  const auto reader = open({{image_of({300, 400}, 64), {}},
                            {image_of({150, 200}, 64, kReduced, 2), {}},
                            {image_of({285, 380}, 64), {}},
                            {image_of({142, 190}, 64, kReduced, 2), {}}});
  REQUIRE(reader->info().levels.size() == 2);
  CHECK(reader->info().levels[1].extent == Extent{150, 200});
}

TEST_CASE("of an Aperio slide's focal planes the first is read, with a warning") {
  std::vector<TiffChain> chain;
  for (const char* offset : {"0", "0.9", "-0.9"}) {
    for (const int64_t step : {1, 4}) {
      TiffImage image = image_of({300 / step, 400 / step}, 64, 0, step);
      image.description =
          std::string("Aperio Image Library v12\r\n400x300 RAW|AppMag = 40|MPP = 0.25|OffsetZ = ") +
          offset;
      image.first_channel = offset[0] == '0' && offset[1] == '\0' ? 0 : 1;
      chain.push_back({image, {}});
    }
  }
  const auto reader = open(chain, "planes.svs");
  const SlideInfo& info = reader->info();
  REQUIRE(info.levels.size() == 2);
  CHECK(info.levels[1].downsample == 4.0);
  CHECK(info.mpp_x == 0.25);
  REQUIRE(info.warnings.size() == 1);
  CHECK_THAT(info.warnings[0], contains_text("3 focal planes"));
  CHECK(reader->read(0, {{7, 8}, {9, 10}}).bytes == pattern_block({{7, 8}, {9, 10}}).bytes);
}
