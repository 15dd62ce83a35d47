#include <fstream>
#include <iterator>

#include "data/slide/length_unit.h"
#include "data/slide/number.h"
#include "data/slide/ome.h"
#include "data/slide/reader.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

SlideInfo info_of(const TiffImage& image) {
  const TemporaryFolder folder;
  write_tiff(folder / "a.tif", {{image, {}}});
  return open_slide(folder / "a.tif")->info();
}

TiffImage described(const std::string& description, int64_t tile = 128) {
  TiffImage image;
  image.description = description;
  image.tile = tile;
  return image;
}

/// A slide whose ResolutionUnit is `unit`, which libtiff does not write: the 3 of its entry is
/// replaced in the file.
SlideInfo info_in_unit(const TiffImage& image, const std::string& mode, char unit) {
  const TemporaryFolder folder;
  write_tiff(folder / "a.tif", {{image, {}}}, mode);
  std::ifstream in(folder / "a.tif", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const bool big_endian = mode.find('b') != std::string::npos;
  const bool big_tiff = mode.find('8') != std::string::npos;
  using namespace std::string_literals;
  const std::string entry = big_endian ? "\1\x28\0\3"s : "\x28\1\3\0"s;  // Tag 296, SHORT.
  const std::string one = big_tiff ? (big_endian ? "\0\0\0\0\0\0\0\1"s : "\1\0\0\0\0\0\0\0"s)
                                   : (big_endian ? "\0\0\0\1"s : "\1\0\0\0"s);
  const size_t at = bytes.find(entry + one);
  REQUIRE(at != std::string::npos);
  bytes[at + entry.size() + one.size() + (big_endian ? 1 : 0)] = unit;
  write_text(folder / "a.tif", bytes);
  return open_slide(folder / "a.tif")->info();
}

std::string ome_of(const std::string& size, const std::string& unit) {
  return R"(<OME><Image><Pixels SizeX="400" SizeY="300" SizeC="3" PhysicalSizeX=")" + size +
         R"(" PhysicalSizeXUnit=")" + unit +
         R"("><Channel SamplesPerPixel="3"/></Pixels></Image></OME>)";
}

}  // namespace

TEST_CASE("a micrometre has the same size however it is spelt") {
  for (const char* unit :
       {"um", "\xC2\xB5m", "\xCE\xBCm", "\xB5m", "\xC3\x82\xC2\xB5m", "\\u00B5m", " um ", "micron",
        "Microns", "micrometer", "micrometres", "\xC2\xB5meter", "UM", "&micro;m", "&mu;m"}) {
    INFO(unit);
    CHECK(unit_um(unit) == 1.0);
  }
  CHECK(unit_um("nm") == 1e-3);
  CHECK(unit_um("mm") == 1e3);
  CHECK(unit_um("Millimeter") == 1e3);
  CHECK(unit_um("inch") == 25400.0);
  CHECK(unit_um("inches") == 25400.0);
  CHECK(unit_um("mil") == 25.4);
  for (const char* unit :
       {"\xC3\x85", "\xE2\x84\xAB", "\xC5", "A\xCC\x8A", "Angstrom", "angstroms",
        "\xC3\x85ngstr\xC3\xB6m", "\xC3\xA5ngstr\xC3\xB6ms", "\xC3\x85ngstrom"}) {
    INFO(unit);
    CHECK(unit_um(unit) == 1e-4);
  }
  const std::pair<const char*, double> far_and_small[] = {
      {"Ym", 1e30},  {"Mm", 1e12},       {"am", 1e-12},
      {"ym", 1e-18}, {"mi", 1.609344e9}, {"pc", 3.0856775814913673e22}};
  for (const auto& [unit, um] : far_and_small) {
    INFO(unit);
    CHECK(unit_um(unit) == um);
  }
  for (const char* unit : {"pixel", "reference frame", "furlong", "", "Mm2"}) {
    INFO(unit);
    CHECK_FALSE(unit_um(unit).has_value());
  }
}

TEST_CASE("numbers may have space around them, a plus sign and a decimal comma") {
  CHECK(spelled_number<double>(" 0.25\n") == 0.25);
  CHECK(spelled_number<double>("+0.25") == 0.25);
  CHECK(spelled_number<double>("0,25") == 0.25);
  CHECK(spelled_number<double>("2.5e-1") == 0.25);
  CHECK_FALSE(spelled_number<double>("0.25 um").has_value());
  CHECK_FALSE(spelled_number<double>("1,000.5").has_value());
  CHECK_FALSE(spelled_number<double>("inf").has_value());
  CHECK_FALSE(spelled_number<double>("").has_value());
  CHECK(spelled_number<int64_t>(" 12 ") == 12);
}

TEST_CASE("an OME scale is read in every spelling that XML and OME allow") {
  const std::pair<const char*, const char*> spellings[] = {
      {"0.25", "&#xb5;m"},  {"0.25", "&#xB5;m"}, {"0.25", "&#181;m"}, {"0.25", "&#x3bc;m"},
      {"2500", "\xC3\x85"}, {"2500", "&#xC5;"},  {"0.25", "micron"},  {" 0.25 ", " um"},
      {"250", "nm"},        {"0.00025", "mm"},   {"2.5e-5", "cm"}};
  for (const auto& [size, unit] : spellings) {
    INFO(size << " " << unit);
    const SlideInfo info = info_of(described(ome_of(size, unit)));
    REQUIRE(info.mpp_x.has_value());
    CHECK(*info.mpp_x == Approx(0.25));
    CHECK(info.mpp_source == "ome");
    CHECK(info.warnings.empty());
  }
}

TEST_CASE("a unit that is not understood is warned of by name") {
  const SlideInfo info = info_of(described(ome_of("0.25", "furlong")));
  CHECK_FALSE(info.mpp_x.has_value());
  REQUIRE(info.warnings.size() == 1);
  CHECK_THAT(info.warnings[0], contains_text("'furlong'"));
  const SlideInfo none = info_of(described(ome_of("0.25", "")));
  CHECK_FALSE(none.mpp_x.has_value());
  CHECK_THAT(none.warnings.at(0), contains_text("'(empty)'"));
}

TEST_CASE("ImageJ's unit gives its pixels a unit a size") {
  const std::vector<std::pair<const char*, double>> units = {
      {"um", 4.0}, {"\\u00B5m", 4.0}, {"micron", 4.0}, {"nm", 0.004}, {"mm", 4000.0}};
  for (const auto& [unit, pixels] : units) {
    for (const int64_t tile : {128, 0}) {
      INFO(unit << " tile " << tile);
      TiffImage image = described(std::string("ImageJ=1.53t\nunit=") + unit + "\nmin=0\n", tile);
      image.pixels_per_unit = pixels;
      const SlideInfo info = info_of(image);
      REQUIRE(info.mpp_x.has_value());
      CHECK(*info.mpp_x == Approx(0.25));
      CHECK(info.mpp_source == "imagej");
    }
  }
  TiffImage image = described("ImageJ=1.53t\nunit=cubit\n");
  image.pixels_per_unit = 4;
  CHECK_THAT(info_of(image).warnings.at(0), contains_text("'cubit'"));
  image.description = "ImageJ=1.53t\nunit=pixel\n";
  CHECK(info_of(image).warnings.empty());
}

TEST_CASE("ImageJ's own unit outweighs a unit of the tags beside it, where it can be believed") {
  TiffImage image = described("ImageJ=1.53t\nunit=um\n");
  image.pixels_per_cm = 4;
  CHECK(info_of(image).mpp_x == 0.25);
  CHECK(info_of(image).mpp_source == "imagej");
  image.pixels_per_cm = 40000;  // The tags are another writer's.
  CHECK(*info_of(image).mpp_x == Approx(0.25));
  CHECK(info_of(image).mpp_source == "tiff-resolution");
}

TEST_CASE("ImageJ's rows may have a unit of their own") {
  TiffImage image = described("ImageJ=1.53t\nunit=micron\nyunit=nm\n");
  image.pixels_per_unit = 0.5;
  const SlideInfo info = info_of(image);
  CHECK_FALSE(info.mpp_x.has_value());  // 2 um by 2 nm: read as said, and not believed.
  CHECK_THAT(info.warnings.at(0), contains_text("2 x 0.002 um"));
}

TEST_CASE("units of a TIFF's resolution that libtiff drops are read from its directory") {
  struct Unit {
    char number;
    double mpp;
  };
  for (const char* mode : {"w", "wb", "w8", "wb8"}) {
    for (const uint16_t photometric : {PHOTOMETRIC_RGB, PHOTOMETRIC_PALETTE}) {
      const bool openslide_refuses = photometric == PHOTOMETRIC_PALETTE && std::string(mode) != "w";
      if (openslide_refuses) continue;
      for (const auto& [number, mpp] : {Unit{4, 0.25}, Unit{5, 0.0}, Unit{9, 0.0}}) {
        INFO(mode << ", colours " << photometric << ", unit " << int{number});
        TiffImage image;
        image.photometric = photometric;
        image.samples = photometric == PHOTOMETRIC_RGB ? 3 : 1;
        image.pixels_per_cm = 4000;
        const SlideInfo info = info_in_unit(image, mode, number);
        CHECK(info.mpp_x.value_or(0) == mpp);
        CHECK(info.warnings.size() == (mpp > 0 ? 0 : 1));
        if (number == 9) CHECK_THAT(info.warnings.at(0), contains_text("'ResolutionUnit 9'"));
      }
    }
  }
}

TEST_CASE("Aperio's scale counts in tiles and in a region that was cut out as strips") {
  for (const char* mpp : {"0.4970", "0,4970"}) {
    for (const int64_t tile : {128, 0}) {
      const SlideInfo info = info_of(described(
          std::string(
              "Aperio Image Library v8.2.43\r\n817x373 [70,73 400x300] RAW|AppMag = 20|MPP = ") +
              mpp,
          tile));
      INFO(mpp << " tile " << tile);
      CHECK(info.mpp_x == 0.497);
      CHECK(info.mpp_source == "vendor");
    }
  }
  const SlideInfo guessed = info_of(described("Aperio Image Library v8\r\n400x300|AppMag = 20", 0));
  CHECK(guessed.mpp_x == 0.5);
  CHECK(guessed.mpp_source == "objective-assumed");
}

TEST_CASE("a vendor's number may have its unit behind it, and a key small letters") {
  for (const char* scale :
       {"MPP = 0.2521 um", "MPP = 0.2521\xC2\xB5m", "MPP=0.2521", "mpp = 252.1 nm",
        "Mpp = 2.521E-1 um/pixel", "MPP = 0,2521 microns per pixel"}) {
    for (const int64_t tile : {128, 0}) {
      INFO(scale << " tile " << tile);
      const SlideInfo info = info_of(described(
          std::string("Aperio Image Library v11.2.1 \r\n400x300 [0,0 400x300]|AppMag = 20|") +
              scale,
          tile));
      CHECK(info.mpp_x.value_or(0) == Approx(0.2521));
      CHECK(info.mpp_source == "vendor");
      CHECK(info.warnings.empty());
    }
  }
  const SlideInfo other =
      info_of(described("Aperio Image Library v1\r\n400x300|MPP = 0.25 furlongs"));
  CHECK_FALSE(other.mpp_x.has_value());
  CHECK_THAT(other.warnings.at(0), contains_text("'furlongs'"));
}

TEST_CASE("Aperio's list of a scale counts in the files of others who write it") {
  for (const int64_t tile : {128, 0}) {
    TiffImage image = described(
        "Motic V1.0.0 400x300 [0,0 400x300] [512x512] JPEG/RGB Q = 75|AppMag = 40|MPP = 0.257290",
        tile);
    image.pixels_per_cm = 28.35;  // A screen's.
    CHECK(info_of(image).mpp_x == 0.25729);
    CHECK(info_of(image).mpp_source == "vendor");
  }
}

TEST_CASE("the scale among the properties that libvips keeps counts at the slide's own size") {
  const auto property = [](const char* name, const char* value) {
    return std::string("<property>\n<name>") + name + "</name>\n<value type=\"VipsRefString\">" +
           value + "</value>\n</property>\n";
  };
  const auto xml = [&](const char* width) {
    return "<?xml version=\"1.0\"?>\n<image xmlns=\"http://www.vips.ecs.soton.ac.uk/8.15.1\">\n"
           "<properties>\n" +
           property("openslide.level[0].height", "300") +
           property("openslide.level[0].width", width) + property("openslide.mpp-x", "0.2525") +
           property("openslide.mpp-y", "0.2526") + "</properties></image>";
  };
  for (const int64_t tile : {128, 0}) {
    TiffImage image = described(xml("400"), tile);
    image.pixels_per_cm = 10;  // What libvips writes where nothing is known.
    const SlideInfo info = info_of(image);
    CHECK(info.mpp_x == 0.2525);
    CHECK(info.mpp_y == 0.2526);
    image.description = xml("1600");  // Of a slide that was made smaller.
    CHECK_FALSE(info_of(image).mpp_x.has_value());
  }
}

TEST_CASE("the scale of a slide that was made smaller with its description kept is not believed") {
  const auto aperio = [](const char* size) {
    return "Aperio Image Library v11.2.1\r\n" + std::string(size) +
           " (256x256) RAW|AppMag = 40|MPP = 0.2500";
  };
  for (const int64_t tile : {128, 0}) {
    INFO("tile " << tile);
    const SlideInfo smaller = info_of(described(aperio("1700x1400 [0,100 1600x1200]"), tile));
    CHECK_FALSE(smaller.mpp_x.has_value());
    REQUIRE_FALSE(smaller.warnings.empty());
    CHECK_THAT(smaller.warnings[0], contains_text("1200 x 1600") && contains_text("300 x 400"));
    for (const char* size : {"1700x1400 [0,100 400x300]", "400x300", "1600x1200 [0,0 1600x900]"}) {
      CHECK(info_of(described(aperio(size), tile)).mpp_x == 0.25);
    }
  }
}
