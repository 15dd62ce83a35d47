#include "data/slide/ome.h"
#include "data/slide/privacy.h"
#include "tests/catch.h"

using namespace untiled;

TEST_CASE("sizes of an OME description are read in their units") {
  const auto image = parse_ome(
      R"(<?xml version="1.0"?><OME xmlns="x"><Instrument><Objective NominalMagnification="20.0"/>
         </Instrument><Image><Pixels SizeC="3" SizeZ="5" SizeT="1" PhysicalSizeX="0.25"
         PhysicalSizeY="250" PhysicalSizeYUnit="nm"><Channel Color="-16776961"/></Pixels></Image></OME>)");
  REQUIRE(image);
  CHECK(image->mpp_x == 0.25);
  CHECK(*image->mpp_y == Approx(0.25));
  CHECK(image->objective_power == 20.0);
  CHECK(image->size_c == 3);
  CHECK(image->size_z == 5);
  CHECK(image->channel_colors == std::vector<int64_t>{-16776961});
}

TEST_CASE("only the channels of the first OME image count") {
  const auto image = parse_ome(
      R"(<OME><Image><Pixels SizeC="3"><Channel SamplesPerPixel="3"/></Pixels></Image>
         <Image><Pixels SizeC="1"><Channel Color="255"/></Pixels></Image></OME>)");
  REQUIRE(image);
  CHECK(image->channel_colors.empty());
}

TEST_CASE("a description that is no OME-XML says nothing") {
  CHECK_FALSE(parse_ome("Aperio Image Library v11.2.1").has_value());
  CHECK_FALSE(parse_ome("").has_value());
}

TEST_CASE("an OME length in a unit without a size is no scale") {
  const auto image =
      parse_ome(R"(<OME><Pixels PhysicalSizeX="1" PhysicalSizeXUnit="pixel"/></OME>)");
  REQUIRE(image);
  CHECK_FALSE(image->mpp_x.has_value());
}

TEST_CASE("properties that can identify a patient are private") {
  for (const char* key : {"openslide.comment",
                          "aperio.User",
                          "aperio.Date",
                          "aperio.Filename",
                          "aperio.ImageID",
                          "tiff.ImageDescription",
                          "hamamatsu.BarcodeNo",
                          "dicom.PatientName",
                          "mirax.GENERAL.SLIDE_ID",
                          "openslide.associated.label.width",
                          "leica.creation-date",
                          "tiff.HostComputer",
                          "sakura.SlideId",
                          "sakura.ScanId",
                          "sakura.Creator",
                          "sakura.DiagnosisCode",
                          "sakura.Keywords",
                          "hamamatsu.Reference",
                          "aperio.Title",
                          "aperio.DSR ID",
                          "tiff.DocumentName",
                          "dicom.ContainerIdentifier"}) {
    INFO(key);
    CHECK(is_private_property(key));
  }
  for (const char* key :
       {"openslide.mpp-x", "aperio.AppMag", "openslide.level-count", "openslide.vendor",
        "hamamatsu.SourceLens", "tiff.XResolution", "openslide.quickhash-1", "openslide.bounds-x",
        "openslide.icc-size", "openslide.background-color", "openslide.objective-power",
        "sakura.NominalLensMagnification", "aperio.MPP", "tiff.Software"}) {
    INFO(key);
    CHECK_FALSE(is_private_property(key));
  }
}
