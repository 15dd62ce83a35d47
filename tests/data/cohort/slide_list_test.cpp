#include "data/cohort/slide_list.h"

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

using namespace untiled;

namespace {

std::vector<std::string> names(const std::vector<CohortEntry>& entries) {
  std::vector<std::string> out;
  for (const CohortEntry& entry : entries) out.push_back(entry.path.filename().string());
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a folder stands for its slides, without notes, hidden files and outputs") {
  const TemporaryFolder folder;
  for (const char* name : {"b.SVS", "a.tif", "a.tif.mask.png", "a.tif.tif", "notes.txt", ".c.svs",
                           "photo.png", "sub/d.svs"}) {
    write_file(folder / name, "x");
  }
  std::filesystem::create_directory(folder / "broken.svs");
  write_file(folder / "series/1", std::string(128, '\0') + "DICM");
  CHECK(names(list_slides({folder.path().string()})) ==
        Names{"a.tif", "b.SVS", "broken.svs", "photo.png", "series"});
  CHECK(names(list_slides({(folder / "series").string()})) == Names{"series"});
  CHECK_THROWS_AS(list_slides({(folder / "empty").string() + "*"}), ConfigError);
  make_folder(folder / "empty");
  CHECK_THROWS_WITH(list_slides({(folder / "empty").string()}), contains_text("no slides"));
}

TEST_CASE("a Zarr folder is one slide, whatever its name, and nothing in it is another") {
  const TemporaryFolder folder;
  write_file(folder / "a.ome.zarr/zarr.json", "{}");
  write_file(folder / "a.ome.zarr/0/c/picture.png", "x");
  write_file(folder / "plain/.zattrs", "{}");
  write_file(folder / "plain/1/picture.png", "x");
  write_file(folder / "b.svs", "x");
  write_file(folder / "b.svs.mask.ome.zarr/zarr.json", "{}");
  CHECK(names(list_slides({folder.path().string()})) == Names{"a.ome.zarr", "b.svs", "plain"});
  CHECK(names(list_slides({(folder / "a.ome.zarr").string() + "/"})) == Names{"a.ome.zarr"});
  CHECK(names(list_slides({(folder / "plain").string()})) == Names{"plain"});
  CHECK(names(list_slides({(folder / "*.zarr").string()})) == Names{"a.ome.zarr"});
  CHECK_THROWS_AS(list_slides({(folder / "**" / "*.png").string()}), ConfigError);
}

TEST_CASE(
    "what a verb wrote beside its slides is no slide, whatever kind of slide it was made of") {
  const TemporaryFolder folder;
  write_file(folder / "a.tif", "x");
  write_file(folder / "b/zarr.json", "{}");
  write_file(folder / "c/1", std::string(128, '\0') + "DICM");
  for (const char* slide : {"a.tif", "b", "c"}) {
    for (const char* ending : {".tif", ".ome.tif", ".mask.png", ".probability.tif"}) {
      write_file(folder / (std::string(slide) + ending), "x");
    }
    for (const char* ending : {".zarr", ".ome.zarr", ".mask.ome.zarr"}) {
      write_file(folder / (std::string(slide) + ending) / "zarr.json", "{}");
    }
  }
  CHECK(names(list_slides({folder.path().string()})) == Names{"a.tif", "b", "c"});
  CHECK(names(list_slides({(folder / "a.tif.zarr").string()})) == Names{"a.tif.zarr"});
  std::filesystem::remove(folder / "a.tif");
  CHECK(names(list_slides({(folder / "a.*.zarr").string()})) ==
        Names{"a.tif.mask.ome.zarr", "a.tif.ome.zarr", "a.tif.zarr"});
}

TEST_CASE("files, globs and manifests are put together, each slide once") {
  const TemporaryFolder folder;
  for (const char* name : {"a.svs", "b.svs", "c.tif"}) write_file(folder / name, "x");
  write_file(folder / "m.csv", "slide,mpp\nc.tif,0.5\ngone.svs,\na.svs,\n");
  const auto slides = list_slides({(folder / "b.svs").string(), (folder / "*.svs").string(),
                                   (folder / "m.csv").string(), (folder / "lost.svs").string()});
  CHECK(names(slides) == Names{"b.svs", "a.svs", "c.tif", "gone.svs", "lost.svs"});
  CHECK(slides[2].mpp == 0.5);
}

TEST_CASE("slides of formats that are not read are no slides of a folder, which says so") {
  const TemporaryFolder folder;
  for (const char* name : {"x/a.vsi", "x/b.ISYNTAX", "y/a.vsi", "y/c.svs"}) {
    write_file(folder / name, "x");
  }
  CHECK_THROWS_WITH(list_slides({(folder / "x").string()}),
                    contains_text("2 slides of formats that are not read (Olympus, Philips)"));
  CHECK(names(list_slides({(folder / "y").string()})) == Names{"c.svs"});
  CHECK(names(list_slides({(folder / "y/a.vsi").string()})) == Names{"a.vsi"});
}

TEST_CASE("files of one DICOM slide are one slide") {
  const TemporaryFolder folder;
  const auto dicom = [&](const std::string& name, const std::string& series) {
    write_file(folder / name, std::string(128, '\0') + "DICM" + std::string("\x20\0\x0E\0UI", 6) +
                                  static_cast<char>(series.size()) + '\0' + series);
  };
  dicom("a.dcm", "1.24");
  dicom("b.dcm", "1.24");
  dicom("c.dcm", "1.25");
  dicom("other/a.dcm", "1.24");
  CHECK(names(list_slides({(folder / "*.dcm").string()})) == Names{"a.dcm", "c.dcm"});
  CHECK(list_slides({(folder / "b.dcm").string(), (folder / "other/a.dcm").string()}).size() == 2);
  write_file(folder / "m.csv", "slide,split\na.dcm,train\nb.dcm,val\n");
  CHECK(names(list_slides({(folder / "m.csv").string()})) == Names{"a.dcm"});
}
