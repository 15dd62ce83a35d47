#include "data/cohort/manifest.h"

#include <fmt/format.h>

#include "data/cohort/slide_identity.h"
#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

using namespace untiled;
using Catch::Matchers::EndsWith;

namespace {

/// A folder with slides s1.svs, s2.svs, s3.svs and a mask m1.png, and manifests in it.
class Manifest {
 public:
  Manifest() {
    for (const char* name : {"s1.svs", "s2.svs", "s3.svs", "m1.png"})
      write_file(folder_ / name, "");
  }

  std::vector<CohortEntry> read(const std::string& text) const {
    write_file(folder_ / "m.csv", text);
    return read_manifest(folder_ / "m.csv");
  }

  /// The message with which a text is refused, from the manifest's name on.
  std::string refusal(const std::string& text) const {
    try {
      read(text);
      return "";
    } catch (const DataError& error) {
      const std::string message = error.what();
      return message.substr(message.find("m.csv"));
    }
  }

  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("a manifest gives slides with masks, splits, groups, scales and regions") {
  const Manifest manifest;
  const auto entries = manifest.read(
      "mask,Slide,split,group,mpp,region,comment\n"
      "m1.png,s1.svs,train,p1,0.25,\"10,20,300,400\",x\n"
      ",s2.svs,val,p2,,,\n"
      ",s3.svs,test,p3,,,\n");
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].path == manifest / "s1.svs");
  CHECK(entries[0].mask == manifest / "m1.png");
  CHECK(entries[0].split == Split::kTraining);
  CHECK(entries[0].group == "p1");
  CHECK(entries[0].mpp == 0.25);
  CHECK(entries[0].region == Region{{20, 420}, {10, 310}});
  CHECK(entries[1].mask.empty());
  CHECK(entries[1].split == Split::kValidation);
  CHECK_FALSE(entries[1].mpp.has_value());
  CHECK_FALSE(entries[1].region.has_value());
  CHECK(entries[2].split == Split::kTest);
}

TEST_CASE("TRIDENT's and CLAM's columns are understood") {
  const Manifest manifest;
  const auto trident = manifest.read("wsi,mpp\ns1.svs,0.5\n");
  CHECK(trident.at(0).path == manifest / "s1.svs");
  CHECK(trident.at(0).mpp == 0.5);
  const auto clam = manifest.read("case_id,slide_id,label\np1,s1,tumor\np2,s2.svs,normal\n");
  CHECK(clam.at(0).path == manifest / "s1.svs");
  CHECK(clam.at(0).group == "p1");
  CHECK(clam.at(1).path == manifest / "s2.svs");
}

TEST_CASE("a CLAM slide_id that two files fit is refused") {
  const Manifest manifest;
  write_file(manifest / "s1.tif", "");
  CHECK_THAT(manifest.refusal("slide_id\ns1\n"), contains_text("may be s1.svs or s1.tif"));
}

TEST_CASE("a CLAM slide_id means the slide's file among those that begin with it") {
  const Manifest manifest;
  for (const char* name : {"a.mrxs", "b.svs", "b.xml", "b.jpg", "b.mask.png", "c.ome.tif", "d.svs",
                           "d.svs.bak", "e.json", "f.raw", "g.png", "g.txt"}) {
    write_file(manifest / name, "");
  }
  for (const char* name : {"a", "e"}) std::filesystem::create_directory(manifest / name);
  write_file(manifest / "a/Data0000.dat", "");
  const auto found = [&](const std::string& id) {
    return manifest.read("slide_id\n" + id + "\n").at(0).path.filename();
  };
  CHECK(found("a") == "a.mrxs");
  CHECK(found("b") == "b.svs");
  CHECK(found("c") == "c.ome.tif");
  CHECK(found("d") == "d.svs");
  CHECK(found("d.svs") == "d.svs");
  CHECK(found("e") == "e");  // A DICOM slide, say.
  CHECK(found("f") == "f.raw");
  CHECK(found("g") == "g.png");
  CHECK_THAT(manifest.refusal("slide_id\nh\n"), contains_text("does not exist"));
}

TEST_CASE("a bad row names file, line and what is wrong") {
  const Manifest manifest;
  CHECK(manifest.refusal("slide,mpp\ns1.svs,0.5\ns2.svs,fine\n") ==
        "m.csv:3: mpp: expected micrometres per pixel from 0.01 to 100, found 'fine'");
  CHECK_THAT(manifest.refusal("slide,mpp\ns1.svs,nan\n"), contains_text("m.csv:2: mpp"));
  CHECK(manifest.refusal("slide,mpp\ns1.svs\n") ==
        "m.csv:2: expected 2 fields as in the header, found 1");
  CHECK(manifest.refusal("slide,split\ns1.svs,trian\n") ==
        "m.csv:2: split: expected train, val or test, found 'trian'");
  CHECK(manifest.refusal("slide,mask\n,m1.png\n") ==
        "m.csv:2: slide: expected a path, found nothing");
  CHECK_THAT(manifest.refusal("slide\nnone.svs\n"),
             contains_text("m.csv:2: slide: ") &&
                 contains_text("none.svs does not exist: check the spelling"));
  CHECK_THAT(manifest.refusal("slide,mask\ns1.svs,none.png\n"),
             contains_text("m.csv:2: mask: ") &&
                 contains_text("none.png does not exist: check the spelling"));
  for (const char* region : {"1,2,3", "1,2,3,4,5", "1,2,0,4", "-1,2,3,4", "a,b,c,d", "1,2,3,4.5"}) {
    CAPTURE(region);
    CHECK_THAT(manifest.refusal("slide,region\ns1.svs,\"" + std::string(region) + "\"\n"),
               contains_text("m.csv:2: region: expected \"x,y,width,height\""));
  }
}

TEST_CASE("a manifest without slides' column, empty, or with a column twice is refused") {
  const Manifest manifest;
  CHECK(manifest.refusal("image,mask\ns1.svs,m1.png\n") ==
        "m.csv:1: expected a header with a column slide, found 'image,mask'");
  CHECK_THAT(manifest.refusal(""), contains_text("is empty"));
  CHECK_THAT(manifest.refusal("slide,mask,mask\n"), contains_text("column mask is there twice"));
}

TEST_CASE("a group or a slide in two splits is refused with both lines") {
  const Manifest manifest;
  CHECK(manifest.refusal("slide,split,group\ns1.svs,train,p1\ns2.svs,val,p1\n") ==
        "m.csv:3: group p1 is in two splits, see line 2");
  CHECK_THAT(manifest.refusal("slide,split,region\ns1.svs,train,\"0,0,5,5\"\ns1.svs,val,"
                              "\"5,5,5,5\"\n"),
             contains_text("m.csv:3: slide ") && EndsWith("is in two splits, see line 2"));
  CHECK(manifest.read("slide,split,group\ns1.svs,train,p1\ns2.svs,train,p1\n").size() == 2);
}

TEST_CASE("a slide may come with several regions, but not twice with the same") {
  const Manifest manifest;
  CHECK(manifest.read("slide,region\ns1.svs,\"0,0,5,5\"\ns1.svs,\"5,5,5,5\"\n").size() == 2);
  CHECK_THAT(manifest.refusal("slide\ns1.svs\ns1.svs\n"), contains_text("m.csv:3: slide "));
}

TEST_CASE("a slide that is a folder is the same with a slash after its name") {
  const Manifest manifest;
  std::filesystem::create_directory(manifest / "s.zarr");
  CHECK_THAT(manifest.refusal("slide\ns.zarr\ns.zarr/\n"), EndsWith("s.zarr is given twice"));
  CHECK_THAT(manifest.refusal("slide,split\ns.zarr/,train\ns.zarr,val\n"),
             EndsWith("is in two splits, see line 2"));
}

TEST_CASE("a slide may come by another name, a link, which is warned of") {
  const Manifest manifest;
  std::filesystem::create_symlink(manifest / "s1.svs", manifest / "link.svs");
  std::filesystem::create_hard_link(manifest / "s1.svs", manifest / "hard.svs");
  CHECK(slide_identity(manifest / "s1.svs") != slide_identity(manifest / "s2.svs"));
  for (const std::string name : {"link.svs", "hard.svs"}) {
    CHECK(slide_identity(manifest / name) == slide_identity(manifest / "s1.svs"));
    CHECK(manifest.read("slide,split\ns1.svs,train\n" + name + ",val\n").size() == 2);
  }
}

TEST_CASE("manifests are read as spreadsheets save them") {
  const Manifest manifest;
  for (const char* text : {"slide,mask,mpp\rs1.svs,,0.25\rs2.svs,m1.png,0.5\r",
                           "slide;mask;mpp\r\ns1.svs;;0,25\r\ns2.svs;m1.png;0,5\r\n;;\r\n",
                           "slide\tmask\tmpp\ns1.svs\t\t0,25\ns2.svs\tm1.png\t0.5\n\t\t\n",
                           "slide,mask,mpp\ns1.svs,,\"0,25\"\ns2.svs,m1.png,0.5\n,,\n,,\n"}) {
    INFO(text);
    const auto entries = manifest.read(text);
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].mpp == 0.25);
    CHECK(entries[1].mask == manifest / "m1.png");
  }
}

TEST_CASE("backslashes of Windows stand for folders, unless a file is called so") {
  const Manifest manifest;
  std::filesystem::create_directory(manifest / "sub");
  write_file(manifest / "sub" / "s4.svs", "");
  write_file(manifest / "s5\\x.svs", "");
  CHECK(manifest.read("slide\nsub\\s4.svs\n").at(0).path == manifest / "sub" / "s4.svs");
  CHECK(manifest.read("slide_id\nsub\\s4\n").at(0).path == manifest / "sub" / "s4.svs");
  CHECK(manifest.read("slide\n.\\s1.svs\n").at(0).path == manifest / "s1.svs");
  CHECK(manifest.read("slide\ns5\\x.svs\n").at(0).path == manifest / "s5\\x.svs");
}

TEST_CASE("spaces that quotes hold are none of a name, unless a file is called so") {
  const Manifest manifest;
  write_file(manifest / "s6.svs ", "");
  const auto entries = manifest.read("slide,group,split\n\" s1.svs \",\"p \",\n\"s6.svs \",,\n");
  CHECK(entries.at(0).path == manifest / "s1.svs");
  CHECK(entries.at(0).group == "p");
  CHECK(entries.at(1).path == manifest / "s6.svs ");
  CHECK_THAT(manifest.refusal("slide,group,split\ns1.svs,\"p \",train\ns2.svs,p,test\n"),
             contains_text("group p is in two splits"));
}

TEST_CASE("addresses of files are paths, and others are named for what they are") {
  const Manifest manifest;
  const std::string folder = (manifest / "").string();
  write_file(manifest / "s 7.svs", "");
  for (const char* start : {"file:", "file://", "file://localhost"}) {
    const auto read = [&](const char* name) {
      return manifest.read(fmt::format("slide\n{}{}{}\n", start, folder, name)).at(0).path;
    };
    CHECK(read("s1.svs") == manifest / "s1.svs");
    CHECK(read("s%207.svs") == manifest / "s 7.svs");
  }
  for (const std::string address : {"s3://bucket/s1.svs", "https://x.org/s1.svs"}) {
    CHECK_THAT(manifest.refusal("slide\n" + address + "\n"),
               contains_text(address) && contains_text("it is an address"));
  }
}

TEST_CASE("a region may be a list as Python writes it") {
  const Manifest manifest;
  for (const char* region : {"[1, 2, 3, 4]", "(1, 2, 3, 4)", "1.0,2.0,3.0,4.0"}) {
    CAPTURE(region);
    const auto entries = manifest.read("slide,region\ns1.svs,\"" + std::string(region) + "\"\n");
    CHECK(entries.at(0).region == Region{{2, 6}, {1, 4}});
  }
}

TEST_CASE("a manifest of a header alone is refused") {
  const Manifest manifest;
  CHECK_THAT(manifest.refusal("slide,mask\n"),
             EndsWith("m.csv: holds a header and no row; expected a row a slide"));
  CHECK_THAT(manifest.refusal("slide;mask\r\n;\r\n;\r\n"), contains_text("no row"));
}

TEST_CASE("the column label names slides' classes") {
  const Manifest manifest;
  const auto entries = manifest.read("slide,label\ns1.svs,positive\ns2.svs,\n");
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].label == "positive");
  CHECK(entries[1].label.empty());
}
