// Slides that are not read, and what is said of them.
#include "data/slide/openslide_advice.h"
#include "data/slide/reader.h"
#include "data/slide/unread_format.h"
#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

TEST_CASE("the overview of an Olympus slide is no slide, whatever it is called") {
  const TemporaryFolder folder;
  TiffImage overview;
  for (const int64_t tile : {128, 0}) {
    overview.tile = tile;
    write_tiff(folder / "a.vsi", {{overview, {}}});
    write_tiff(folder / "b.tif", {{overview, {}}});
    CHECK_THAT(data_error([&] { open_slide(folder / "a.vsi"); }),
               contains_text("a.vsi") && contains_text("Olympus") && contains_text("OME-TIFF"));
    CHECK_NOTHROW(open_slide(folder / "b.tif"));
  }
  write_file(folder / "_b_/stack1/frame_t.ets", "SIS");
  overview.tile = 0;
  write_tiff(folder / "b.tif", {{overview, {}}});
  CHECK_THAT(data_error([&] { open_slide(folder / "b.tif"); }), contains_text("Olympus"));
}

TEST_CASE("the picture of a MIRAX slide without its folder is no slide") {
  const TemporaryFolder folder;
  write_text(folder / "a.mrxs", "\xFF\xD8\xFF\xE0");
  CHECK_THAT(data_error([&] { open_slide(folder / "a.mrxs"); }),
             contains_text("MIRAX") && contains_text("folder a"));
}

TEST_CASE("formats that are not read are named") {
  CHECK(unread_format("x/a.VSI") == "Olympus");
  CHECK(unread_format("a.isyntax") == "Philips");
  CHECK_FALSE(unread_format("a.svs").has_value());
  CHECK_FALSE(unread_format("vsi").has_value());
  const TemporaryFolder folder;
  write_text(folder / "a.kfb", "KFB");
  CHECK_THAT(data_error([&] { open_slide(folder / "a.kfb"); }), contains_text("KFBIO"));
}

TEST_CASE("advice follows OpenSlide's reason") {
  const std::pair<const char*, const char*> reasons[] = {
      {"Reading a.dcm: Unsupported transfer syntax 1.2.840.10008.1.2.4.80", "JPEG Baseline"},
      {"Unsupported photometric interpretation MONOCHROME2 for 1.2", "monochrome"},
      {"Attribute SamplesPerPixel value 1 != 3", "monochrome"},
      {"Attribute TotalPixelMatrixFocalPlanes value 5 != 1", "focal planes"},
      {"Attribute BitsAllocated value 16 != 8", "8 bits"},
      {"libdicom Parse: unsupported frame alignment - frame", "grid"},
      {"Unsupported TIFF compression: 34934", "bfconvert"},
      {"Cannot handle ImageDepth=3", "focal planes"},
      {"Reading a.dcm: Couldn't read PlanarConfiguration", "monochrome"},
      {"Attribute PlanarConfiguration value 1 != 0", "plane by plane"},
      {"Can't find main image", "fluorescence"},
      {"Slides with dissimilar main images are not supported", "several scans"},
      {"Couldn't get level downsamples", "how large its pixels are"},
      {"Missing or inconsistent region metadata", "tiles' places"},
      {"Unrecognized subblock dimension \"Z\"", "focal planes"},
      {"Nonzero subblock channel 1", "channels"},
      {"Reading a.dcm: Couldn't read level dimensions", "TotalPixelMatrixColumns"},
      {"Reading a.dcm: Couldn't get image flavor", "ImageType"},
      {"SeriesInstanceUID not found", "which series"},
      {"Pixel type GRAY16 is not supported", "8-bit RGB"}};
  for (const auto& [reason, advice] : reasons) {
    INFO(reason);
    REQUIRE(advice_for(reason).has_value());
    CHECK_THAT(*advice_for(reason), contains_text(advice));
  }
  CHECK_FALSE(advice_for("Short read of tile").has_value());
}

TEST_CASE("tiles of JPEG XR and JPEG XL are refused with a way to convert them") {
  const TemporaryFolder folder;
  const std::vector<std::pair<uint16_t, const char*>> kinds = {
      {22610, "JPEG XR"}, {34934, "JPEG XR"}, {50002, "JPEG XL"}};
  for (const auto& [compression, name] : kinds) {
    TiffImage image;
    image.compression = compression;
    image.encode = [](const Bytes&, const Extent&, int) { return Bytes(100, uint8_t{1}); };
    write_tiff(folder / "a.tif", {{image, {}}});
    CHECK_THAT(data_error([&] { open_slide(folder / "a.tif"); }),
               contains_text(name) && contains_text("bfconvert"));
  }
}
