#include "data/cohort/glob.h"

#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

using namespace untiled;
using Paths = std::vector<std::filesystem::path>;

TEST_CASE("matches are sorted, each file comes once, and patterns keep their order") {
  const TemporaryFolder folder;
  for (const char* name : {"b.svs", "a.svs", "c.tif", ".hidden.svs"}) write_file(folder / name, "");
  CHECK(expand({folder / "*.svs"}) == Paths{folder / "a.svs", folder / "b.svs"});
  CHECK(expand({folder / "b.svs", folder / "*.svs", folder / "./b.svs"}) ==
        Paths{folder / "b.svs", folder / "a.svs"});
  CHECK(expand({folder / "?.tif"}) == Paths{folder / "c.tif"});
  CHECK(expand({folder / "[ab].svs"}).size() == 2);
}

TEST_CASE("a pattern may cross folders, two stars at any depth") {
  const TemporaryFolder folder;
  for (const char* name : {"x.svs", "p/y.svs", "p/q/z.svs"}) write_file(folder / name, "");
  CHECK(expand({folder / "*/*.svs"}) == Paths{folder / "p/y.svs"});
  CHECK(expand({folder / "**/*.svs"}) ==
        Paths{folder / "p/q/z.svs", folder / "p/y.svs", folder / "x.svs"});
}

TEST_CASE("a pattern without match is a settings error that names it") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(expand({folder / "*.svs"}), contains_text("/*.svs: no file matches"));
  CHECK_THROWS_AS(expand({folder / "none/*.svs"}), ConfigError);
}

TEST_CASE("a plain path stands for itself, there or not, also with brackets in its name") {
  const TemporaryFolder folder;
  write_file(folder / "slide [1].svs", "");
  CHECK(expand({folder / "missing.svs"}) == Paths{folder / "missing.svs"});
  CHECK(expand({folder / "slide [1].svs"}) == Paths{folder / "slide [1].svs"});
}
