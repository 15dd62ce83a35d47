#include "data/cohort/slide_ids.h"

#include "tests/catch.h"

namespace untiled {

TEST_CASE("slides are named by their full file names") {
  CHECK(slide_ids({"a/one.svs", "a/two.ome.tif"}) ==
        std::vector<std::string>{"one.svs", "two.ome.tif"});
}

TEST_CASE("slides of one name in several folders get names of their own") {
  const auto ids = slide_ids({"/a/x.svs", "/b/x.svs", "/c/X.SVS", "/a/y.svs"});
  CHECK(ids[0] == "x.svs-" + ids[0].substr(6));
  CHECK(ids[0].size() == 6 + 8);
  CHECK(ids[0] != ids[1]);
  CHECK(ids[2].starts_with("X.SVS-"));
  CHECK(ids[3] == "y.svs");
  CHECK(slide_ids({"/b/x.svs", "/a/x.svs"})[1] == ids[0]);
}

TEST_CASE("a name that leaves no room for an output's ending is cut, and stays one of its own") {
  const std::string start(160, 'x');
  const std::string longest = std::string(166, 'x') + ".svs";
  const auto ids = slide_ids({"/a/" + longest, "/a/" + start + "1234567.svs",
                              "/a/" + start + "1234568.svs", "/b/" + start + "1234567.svs"});
  CHECK(ids[0] == longest);
  CHECK(ids[1].starts_with(start + "1-"));
  CHECK(ids[1].size() == 170 + 9);  // It is there twice, so that a hash of its path follows.
  CHECK(ids[1].substr(0, 170) == ids[3].substr(0, 170));
  CHECK(ids[1] != ids[3]);
  CHECK(ids[2].size() == 170);
  CHECK(ids[2] != ids[1].substr(0, 170));
  CHECK(slide_ids({"/elsewhere/" + start + "1234568.svs"})[0] == ids[2]);
}

TEST_CASE("a long name is cut between characters") {
  std::string name;
  for (int i = 0; i < 80; ++i) name += "\xE5\x88\x87";  // 240 bytes.
  const std::string id = slide_ids({"/a/" + name})[0];
  CHECK(id.size() == 159 + 9);
  CHECK(id.starts_with(name.substr(0, 159) + "-"));
}

TEST_CASE("regions of one slide get their corners, and no id leaves the folder") {
  std::vector<CohortEntry> entries(3);
  for (CohortEntry& entry : entries) entry.path = "/a/x.svs";
  entries[0].region = Region{{20, 30}, {10, 30}};
  entries[1].region = Region{{0, 30}, {0, 30}};
  entries[2].path = "/a/b/..";
  CHECK(entry_ids(entries) ==
        std::vector<std::string>{"x.svs-x10y20w20h10", "x.svs-x0y0w30h30", "a"});
  CHECK(slide_ids({"/"}) == std::vector<std::string>{"slide"});
}

}  // namespace untiled
