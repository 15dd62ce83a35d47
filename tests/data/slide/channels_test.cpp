// Planes of OME-TIFFs: which is red, green and blue, and which are none of these.
#include "data/slide/ome.h"
#include "data/slide/reader.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

/// Grey planes, the one at position i with the pattern of channel `order[i]`.
std::vector<TiffChain> planes(const std::string& description, const std::vector<int>& order) {
  std::vector<TiffChain> chain;
  for (const int channel : order) {
    TiffImage plane;
    plane.samples = 1;
    plane.photometric = PHOTOMETRIC_MINISBLACK;
    plane.first_channel = channel;
    if (chain.empty()) plane.description = description;
    chain.push_back({plane, {}});
  }
  return chain;
}

std::string ome(const std::string& channels, const std::string& data,
                const std::string& more = "") {
  return R"(<OME><Image><Pixels SizeX="400" SizeY="300" SizeC="3" )" + more + ">" + channels +
         data + "</Pixels></Image></OME>";
}

const std::string kUnnamed = R"(<Channel ID="a"/><Channel ID="b"/><Channel ID="c"/>)";

std::string named(const char* a, const char* b, const char* c) {
  std::string text;
  for (const char* name : {a, b, c}) text += std::string(R"(<Channel Name=")") + name + R"("/>)";
  return text;
}

/// The start of an image of three colours, up to its planes.
std::string start_of_image(const std::string& name, const std::string& mpp) {
  return R"(<Image Name=")" + name +
         R"("><Pixels SizeX="400" SizeY="300" SizeC="3" PhysicalSizeX=")" + mpp +
         R"("><Channel SamplesPerPixel="3"/>)";
}

void check_rgb(const std::vector<TiffChain>& chain) {
  const TemporaryFolder folder;
  write_tiff(folder / "a.ome.tif", chain);
  const Region region = {{3, 40}, {5, 60}};
  CHECK(open_slide(folder / "a.ome.tif")->read(0, region).bytes == pattern_block(region).bytes);
}

std::string refusal(const std::vector<TiffChain>& chain) {
  const TemporaryFolder folder;
  write_tiff(folder / "a.ome.tif", chain);
  return data_error([&] { open_slide(folder / "a.ome.tif"); });
}

}  // namespace

TEST_CASE("TiffData says which plane is which channel") {
  const std::string blue_first =
      R"(<TiffData IFD="0" FirstC="2" PlaneCount="1"/><TiffData IFD="1" FirstC="1"/>)"
      R"(<TiffData IFD="2" FirstC="0" PlaneCount="1"/>)";
  check_rgb(planes(ome(kUnnamed, blue_first), {2, 1, 0}));
  check_rgb(planes(ome(kUnnamed, R"(<TiffData IFD="1" FirstC="0" PlaneCount="2"/>)"
                                 R"(<TiffData IFD="0" FirstC="2" PlaneCount="1"/>)"),
                   {2, 0, 1}));
  check_rgb(planes(ome(kUnnamed, "<TiffData/>"), {0, 1, 2}));
  check_rgb(planes(ome(kUnnamed, ""), {0, 1, 2}));
}

TEST_CASE("the first focal plane is found by the order of dimensions") {
  const std::string z_first = R"(DimensionOrder="XYZCT" SizeZ="2" SizeT="1")";
  check_rgb(
      planes(ome(kUnnamed, R"(<TiffData IFD="0" PlaneCount="6"/>)", z_first), {0, 5, 1, 5, 2, 5}));
  const std::string c_first = R"(DimensionOrder="XYCZT" SizeZ="2" SizeT="1")";
  check_rgb(planes(ome(kUnnamed,
                       R"(<TiffData IFD="3" FirstZ="0" PlaneCount="3"/>)"
                       R"(<TiffData IFD="0" FirstZ="1" PlaneCount="3"/>)",
                       c_first),
                   {5, 5, 5, 0, 1, 2}));
}

TEST_CASE("planes named red, green and blue are these, in any order") {
  check_rgb(planes(ome(named("Red", "Green", "Blue"), ""), {0, 1, 2}));
  check_rgb(planes(ome(named("blue", "green", "red"), ""), {2, 1, 0}));
  check_rgb(planes(ome(named("Channel 0", "Channel 1", "Channel 2"), ""), {0, 1, 2}));
  check_rgb(planes(ome(named("Channel Red", "Green channel", "BF-B"), ""), {0, 1, 2}));
  for (const auto& names :
       {named("Red", "Red", "Blue"), named("Channel 0", "Red", "Green"),
        named("Red Green", "Green", "Blue"), named("Red DAPI", "Green", "Blue")}) {
    CHECK_THAT(refusal(planes(ome(names, ""), {0, 1, 2})), contains_text("3 channels of its own"));
  }
}

TEST_CASE("colours of planes may be written as numbers without a sign") {
  const auto colored = [](const char* a, const char* b, const char* c) {
    std::string text;
    for (const char* color : {a, b, c})
      text += std::string(R"(<Channel Color=")") + color + R"("/>)";
    return ome(text, "");
  };
  check_rgb(planes(colored("4278190335", "16711935", "65535"), {0, 1, 2}));
  check_rgb(planes(colored("4294967295", "4294967295", "4294967295"), {0, 1, 2}));
  CHECK_THAT(refusal(planes(colored("65535", "16711935", "4278190335"), {0, 1, 2})),
             contains_text("3 channels of its own"));
}

TEST_CASE("planes named as dyes are refused by their names") {
  const std::string error = refusal(planes(ome(named("DAPI", "FITC", "TRITC"), ""), {0, 1, 2}));
  CHECK_THAT(error, contains_text("DAPI, FITC, TRITC") && contains_text("8-bit RGB"));
  for (const auto& names :
       {named("CD3", "CD8", "Hoechst"), named("Red", "Red", "Blue"), named("DAPI", "", "")}) {
    CHECK_THAT(refusal(planes(ome(names, ""), {0, 1, 2})), contains_text("3 channels"));
  }
}

TEST_CASE("elements of a vendor's own XML are no channels, planes and images of OME's") {
  const std::string annotations =
      R"(<StructuredAnnotations><XMLAnnotation><Value><Image Name="label"><Pixels SizeX="400" )"
      R"(SizeY="300" SizeC="3" PhysicalSizeX="7"><Channel Name="Blue"/><TiffData IFD="0"/></Pixels>)"
      R"(</Image></Value></XMLAnnotation></StructuredAnnotations>)";
  const auto with = [&](std::string description, const char* at) {
    return description.insert(description.find(at), annotations);
  };
  for (const char* at : {"<Image", "</OME>"}) {
    const std::string dyes = with(ome(named("DAPI", "FITC", "TRITC"), ""), at);
    CHECK_THAT(refusal(planes(dyes, {0, 1, 2})), contains_text("DAPI, FITC, TRITC"));
    check_rgb(planes(with(ome(kUnnamed, R"(<TiffData IFD="2" FirstC="0"/><TiffData IFD="1" )"
                                        R"(FirstC="1"/><TiffData IFD="0" FirstC="2"/>)"),
                          at),
                     {2, 1, 0}));
  }
  const auto images = parse_ome(with(ome(kUnnamed, "", R"(PhysicalSizeX="0.25")"), "<Image"));
  REQUIRE(images.size() == 1);
  CHECK(images[0].mpp_x == 0.25);
  CHECK(parse_ome(ome("<![CDATA[<Channel/>]]>", "")).at(0).channels.empty());
}

TEST_CASE("the end tags of elements with a prefix are no elements") {
  std::string dyes = ome(R"(<Channel Name="DAPI"></Channel><Channel Name="FITC"></Channel>)"
                         R"(<Channel Name="TRITC"></Channel>)",
                         R"(<TiffData IFD="0" PlaneCount="3"></TiffData>)");
  for (size_t at = dyes.find('<'); at != std::string::npos; at = dyes.find('<', at + 1)) {
    dyes.insert(at + (dyes[at + 1] == '/' ? 2 : 1), "ome:");
  }
  const auto images = parse_ome(dyes);
  REQUIRE(images.size() == 1);
  CHECK(images[0].channels.size() == 3);
  CHECK(images[0].planes.size() == 1);
  CHECK_THAT(refusal(planes(dyes, {0, 1, 2})), contains_text("DAPI, FITC, TRITC"));
}

TEST_CASE("of files that share a description each has its own image") {
  const auto image = [](const char* name, const char* mpp, const std::string& file, char uuid) {
    return start_of_image(name, mpp) + R"(<TiffData IFD="0" PlaneCount="1"><UUID FileName=")" +
           file + "\">urn:uuid:" + uuid + "</UUID></TiffData></Pixels></Image>";
  };
  const std::string both =
      image("label image", "9", "a.ome.tif", 'A') + image("b", "0.5", "b.ome.tif", 'B');
  const auto mpp = [&](const std::string& root, const std::string& name) {
    const TemporaryFolder folder;
    TiffImage rgb;
    rgb.description = root + both + "</OME>";
    write_tiff(folder / name, {{rgb, {}}});
    return open_slide(folder / name)->info().mpp_x.value_or(0);
  };
  CHECK(mpp(R"(<OME UUID="urn:uuid:A">)", "a.ome.tif") == 9);
  CHECK(mpp(R"(<OME UUID="urn:uuid:B">)", "b.ome.tif") == 0.5);
  CHECK(mpp(R"(<OME UUID="urn:uuid:B">)", "renamed.tif") == 0.5);
  CHECK(mpp("<OME>", "b.ome.tif") == 0.5);
  CHECK(mpp("<OME>", "renamed.tif") == 9);  // Nothing tells which it is: as if it were the first.
}

TEST_CASE("channels of which TiffData names one plane for all are refused") {
  CHECK_THAT(
      refusal(planes(ome(kUnnamed, R"(<TiffData IFD="0" FirstC="0"/><TiffData IFD="0" FirstC="1"/>)"
                                   R"(<TiffData IFD="0" FirstC="2"/>)"),
                     {0, 1, 2})),
      contains_text("3 channels"));
}

TEST_CASE("the channels of an ImageJ composite are refused, its slices are planes") {
  const TemporaryFolder folder;
  TiffImage page;
  page.samples = 1;
  page.photometric = PHOTOMETRIC_MINISBLACK;
  page.description = "ImageJ=1.53t\nimages=3\nchannels=3\nmode=composite\n";
  write_tiff(folder / "composite.tif", {{page, {}}, {page, {}}, {page, {}}});
  CHECK_THAT(data_error([&] { open_slide(folder / "composite.tif"); }),
             contains_text("ImageJ says that it has 3 channels"));
  page.description = "ImageJ=1.53t\nimages=3\nslices=3\n";
  write_tiff(folder / "stack.tif", {{page, {}}, {page, {}}, {page, {}}});
  CHECK_THAT(open_slide(folder / "stack.tif")->info().warnings.at(0),
             contains_text("2 further images"));
}

TEST_CASE("several grey pages of one size are channels that nobody names, and refused") {
  const TemporaryFolder folder;
  TiffImage page;
  page.samples = 1;
  page.photometric = PHOTOMETRIC_MINISBLACK;
  TiffImage smaller = page;
  smaller.extent = {150, 200};
  smaller.step = 2;
  for (const int64_t tile : {128, 0}) {
    page.tile = tile;
    page.description = "<PerkinElmer-QPI-ImageDescription><Name>DAPI</Name>";
    write_tiff(folder / "a.qptiff", {{page, {}}, {page, {}}, {page, {}}, {page, {}}});
    CHECK_THAT(data_error([&] { open_slide(folder / "a.qptiff"); }),
               contains_text("4 grey pages of 300 x 400"));
    smaller.subfile_type = FILETYPE_REDUCEDIMAGE;
    write_tiff(folder / "one.tif", {{page, {}}, {smaller, {}}});
    CHECK(open_slide(folder / "one.tif")->info().levels.size() == 2);
  }
}

TEST_CASE("a file whose metadata are in another one is refused where it is grey, else warned of") {
  const TemporaryFolder folder;
  TiffImage image;
  image.description = R"(<OME><BinaryOnly MetadataFile="all.companion.ome" UUID="a"/></OME>)";
  write_tiff(folder / "rgb.ome.tif", {{image, {}}});
  CHECK_THAT(open_slide(folder / "rgb.ome.tif")->info().warnings.at(0),
             contains_text("all.companion.ome"));
  image.samples = 1;
  image.photometric = PHOTOMETRIC_MINISBLACK;
  write_tiff(folder / "grey.ome.tif", {{image, {}}});
  CHECK_THAT(data_error([&] { open_slide(folder / "grey.ome.tif"); }),
             contains_text("all.companion.ome"));
}

TEST_CASE("dyes' names on what TIFF says is RGB are warned of") {
  const TemporaryFolder folder;
  TiffImage image;
  image.description = ome(named("DAPI", "FITC", "TRITC"), "");
  write_tiff(folder / "a.ome.tif", {{image, {}}});
  const auto reader = open_slide(folder / "a.ome.tif");
  REQUIRE(reader->info().warnings.size() == 1);
  CHECK_THAT(reader->info().warnings[0], contains_text("DAPI, FITC, TRITC"));
}

TEST_CASE("claims of huge numbers of planes do no harm") {
  const auto images =
      parse_ome(ome(kUnnamed, R"(<TiffData IFD="9223372036854775807" FirstC="-5"/>)",
                    R"(SizeZ="9223372036854775807" SizeT="4611686018427387904")"));
  REQUIRE(images.size() == 1);
  CHECK_FALSE(holds_directory(images[0], 0));
  CHECK_FALSE(directory_of(images[0], 2, 1).has_value());
}
