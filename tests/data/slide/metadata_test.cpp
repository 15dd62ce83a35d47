#include "data/slide/ome.h"
#include "data/slide/privacy.h"
#include "tests/catch.h"

using namespace untiled;

TEST_CASE("sizes of an OME description are read in their units") {
  const auto images = parse_ome(
      R"(<?xml version="1.0"?><OME xmlns="x"><Instrument><Objective NominalMagnification="20.0"/>
         </Instrument><Image><Pixels SizeC="3" SizeZ="5" SizeT="1" PhysicalSizeX="0.25"
         PhysicalSizeY="250" PhysicalSizeYUnit="nm"><Channel Color="-16776961"/></Pixels></Image></OME>)");
  REQUIRE(images.size() == 1);
  CHECK(images[0].mpp_x == 0.25);
  CHECK(*images[0].mpp_y == Approx(0.25));
  CHECK(images[0].objective_power == 20.0);
  CHECK(images[0].size_c == 3);
  CHECK(images[0].size_z == 5);
  REQUIRE(images[0].channels.size() == 1);
  CHECK(images[0].channels[0].color == -16776961);
}

TEST_CASE("each OME image has its own channels, scale and objective") {
  const auto images = parse_ome(
      R"(<OME><!-- <Image Name="none"/> --><Instrument><Objective ID="O:0" NominalMagnification="1"/>
         <Objective ID="O:1" NominalMagnification="40"/></Instrument>
         <Image Name="macro &amp; label"><ObjectiveSettings ID="O:0"/>
         <Pixels SizeC="3" PhysicalSizeX="4"><Channel SamplesPerPixel="3"/></Pixels></Image>
         <Image Name='a>b'><ObjectiveSettings ID="O:1"/><Pixels SizeC="1" PhysicalSizeX = "0.25">
         <Channel Color="255"/></Pixels></Image></OME>)");
  REQUIRE(images.size() == 2);
  CHECK(images[0].name == "macro & label");
  CHECK_FALSE(images[0].channels[0].color.has_value());
  CHECK(images[0].objective_power == 1.0);
  CHECK(images[1].name == "a>b");
  CHECK(images[1].mpp_x == 0.25);
  CHECK(images[1].objective_power == 40.0);
  CHECK(images[1].channels[0].color == 255);
}

TEST_CASE("a description that is no OME-XML says nothing") {
  CHECK(parse_ome("Aperio Image Library v11.2.1").empty());
  CHECK(parse_ome("").empty());
}

TEST_CASE("an OME length in a unit without a size is no scale, and is named") {
  const auto images =
      parse_ome(R"(<OME><Pixels PhysicalSizeX="1" PhysicalSizeXUnit="pixel"/></OME>)");
  REQUIRE(images.size() == 1);
  CHECK_FALSE(images[0].mpp_x.has_value());
  CHECK(images[0].unknown_unit == "pixel");
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
