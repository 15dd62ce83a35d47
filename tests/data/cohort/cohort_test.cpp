#include "data/cohort/cohort.h"

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

using namespace untiled;

TEST_CASE("globs give training and validation slides") {
  const TemporaryFolder folder;
  for (const char* name : {"t2.svs", "t1.svs", "v.svs"}) write_file(folder / name, "");
  CohortSettings settings;
  settings.slides = {folder / "t*.svs"};
  settings.validation = {folder / "v.svs"};
  const Cohort cohort = load_cohort(settings);
  REQUIRE(cohort.training.size() == 2);
  CHECK(cohort.training[0].path == folder / "t1.svs");
  REQUIRE(cohort.validation.size() == 1);
  CHECK(cohort.validation[0].split == Split::kValidation);
}

TEST_CASE("a manifest is divided by its splits and test slides stay out") {
  const TemporaryFolder folder;
  for (const char* name : {"a.svs", "b.svs", "c.svs"}) write_file(folder / name, "");
  write_file(folder / "m.csv", "slide,split\na.svs,train\nb.svs,val\nc.svs,test\n");
  CohortSettings settings;
  settings.manifest = folder / "m.csv";
  const Cohort cohort = load_cohort(settings);
  REQUIRE(cohort.training.size() == 1);
  CHECK(cohort.training[0].path == folder / "a.svs");
  REQUIRE(cohort.validation.size() == 1);
  CHECK(cohort.validation[0].path == folder / "b.svs");
}

TEST_CASE("a cohort without training slides says what to set") {
  CHECK_THROWS_WITH(load_cohort({}), contains_text("set data.slides or data.manifest"));
  CHECK_THROWS_AS(load_cohort({}), ConfigError);
}
