// Which objects of GeoJSON are labels, and what is said of those that are not.
#include <fmt/format.h>

#include "data/tissue/annotations.h"
#include "data/tissue/label_doubts.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

constexpr Extent kSlide = {20, 30};

std::string square(int x, int y) {
  const auto point = [](int a, int b) { return fmt::format("[{},{}]", a, b); };
  return fmt::format(R"({{"type":"Polygon","coordinates":[[{},{},{},{}]]}})", point(x, y),
                     point(x + 5, y), point(x + 5, y + 5), point(x, y + 5));
}

std::string object(const std::string& id, const std::string& properties, int x = 0) {
  return R"({"type":"Feature","id":")" + id + R"(","geometry":)" + square(x, 0) +
         R"(,"properties":{)" + properties + "}}";
}

Annotations read(const std::string& features, LabelObjects objects = LabelObjects::kAnnotations) {
  const TemporaryFolder folder;
  write_file(folder / "a.geojson", R"({"type":"FeatureCollection","features":[)" + features + "]}");
  return read_annotations(folder / "a.geojson", objects);
}

size_t count(const std::string& feature, LabelObjects objects = LabelObjects::kAnnotations) {
  return read(feature, objects).areas.size();
}

}  // namespace

TEST_CASE("annotations and objects that say nothing of their kind are labels") {
  CHECK(count(object("x", R"("objectType":"annotation")")) == 1);
  CHECK(count(object("x", R"("object_type":"annotation")")) == 1);
  CHECK(count(object("PathAnnotationObject", "")) == 1);
  CHECK(count(object("x", "")) == 1);
}

TEST_CASE("TMA cores and root objects are never labels, in any of QuPath's spellings") {
  for (const LabelObjects objects : {LabelObjects::kAnnotations, LabelObjects::kAll}) {
    CHECK(count(object("x", R"("objectType":"tma_core")"), objects) == 0);
    CHECK(count(object("x", R"("object_type":"TMA_CORE")"), objects) == 0);
    CHECK(count(object("TMACoreObject", ""), objects) == 0);
    CHECK(count(object("x", R"("objectType":"root")"), objects) == 0);
    CHECK(count(object("PathRootObject", ""), objects) == 0);
    CHECK(count(object("x", R"("objectType":"new kind")"), objects) == 0);
  }
}

TEST_CASE("an object's type may be the name of QuPath's class, with space around it") {
  CHECK(count(object("x", R"("objectType":"PathAnnotationObject")")) == 1);
  CHECK(count(object("x", R"("objectType":" Annotation ")")) == 1);
  CHECK(count(object("x", R"("objectType":"PathDetectionObject")")) == 0);
  CHECK(count(object("x", R"("object_type":"TMACoreObject")"), LabelObjects::kAll) == 0);
}

TEST_CASE("detections, cells and tiles are labels where that is asked for") {
  for (const char* kind : {"detection", "cell", "tile"}) {
    const std::string feature = object("x", std::string(R"("objectType":")") + kind + "\"");
    CHECK(count(feature) == 0);
    CHECK(count(feature, LabelObjects::kAll) == 1);
  }
  CHECK(count(object("PathDetectionObject", "")) == 0);
  CHECK(count(object("PathCellObject", ""), LabelObjects::kAll) == 1);
}

TEST_CASE("what is left out is counted by kind") {
  const Annotations found =
      read(object("x", R"("objectType":"tma_core")") + "," + object("y", R"("objectType":"cell")") +
           "," + object("z", R"("objectType":"cell")") + "," + object("a", ""));
  CHECK(found.areas.size() == 1);
  CHECK(found.skipped_objects == std::map<std::string, int64_t>{{"cell", 2}, {"tma_core", 1}});
  const auto doubts = doubts_about(found, kSlide);
  REQUIRE(doubts.size() == 1);
  CHECK_THAT(doubts[0], contains_text("2 of type cell, 1 of type tma_core"));
}

TEST_CASE("annotations outside the slide are counted, those that touch it are not") {
  const Annotations found = read(object("a", "", 100) + "," + object("b", "", 27) + "," +
                                 object("c", "", -5) + "," + object("d", "", -4));
  CHECK(count_outside(found, kSlide) == 2);
  const auto doubts = doubts_about(found, kSlide);
  REQUIRE(doubts.size() == 1);
  CHECK_THAT(doubts[0], contains_text("2 of its 4 annotations lie outside the slide"));
}

TEST_CASE("annotations smaller than a pixel are counted: their unit may be another") {
  const std::string tiny =
      R"({"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":)"
      R"([[[3.1,3.1],[3.9,3.1],[3.9,3.9],[3.1,3.1]]]}})";
  const std::string line = R"({"type":"Feature","properties":{},"geometry":{"type":"Polygon",)"
                           R"("coordinates":[[[3,3],[9,3],[9,3.5],[3,3]]]}})";
  const Annotations found = read(tiny + "," + line + "," + object("a", ""));
  CHECK(count_tiny(found) == 1);
  const auto doubts = doubts_about(found, kSlide);
  REQUIRE(doubts.size() == 1);
  CHECK_THAT(doubts[0], contains_text("1 of its 3 annotations are smaller than a pixel"));
}

TEST_CASE("a file without an annotation is doubtful, a sound one is not") {
  CHECK_THAT(doubts_about(read(""), kSlide).at(0), contains_text("no annotation"));
  CHECK(doubts_about(read(object("a", "")), kSlide).empty());
}

}  // namespace untiled
