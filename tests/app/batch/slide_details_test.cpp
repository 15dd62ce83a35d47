#include "app/batch/slide_details.h"

#include <nlohmann/json.hpp>

#include "app/batch/slide_report.h"
#include "lib/core/error.h"
#include "tests/catch.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

/// One of each kind, with and without what need not be there.
std::vector<SlideDetails> all_kinds() {
  return {NoDetails{},
          LabelDetails{"otsu", 32, 0.1 + 0.2},
          LabelDetails{"robust", 8, {}},
          MaskDetails{4.0, {{"tumour", 0.25}, {"stroma", 1.0 / 3.0}}},
          MaskDetails{{}, {{"tissue", 0.5}}, 12},
          ClassDetails{{{"a", 0.75}, {"b", 0.25}}, "a"},
          TileDetails{.filter = "sobel", .decoded_tiles = 12, .device = "cpu"},
          TileDetails{"macenko", StainDetails{{{{1, 2, 3}, {4, 5, 6}}}, {7, 8}}, 1, 2, 3, "H200",
                      "gds"},
          ScoreDetails{0.5, {{1, 2, 3}, {int64_t{1} << 40, 0, 5}}},
          ScoreDetails{{}, {{0, 0, 0}}, 7}};
}

}  // namespace

TEST_CASE("what a record says of a slide comes back from it, whatever the kind") {
  for (const SlideDetails& details : all_kinds()) {
    const Json record = to_record(details);
    CAPTURE(record.dump());
    const SlideDetails back = slide_details(Json::parse(record.dump()));
    CHECK(back.index() == details.index());
    CHECK(to_record(back) == record);
    CHECK(record.size() == 1);
    CHECK(record.front() == to_json(details));
  }
}

TEST_CASE("people's JSON has the details beside the facts, and tables have the facts") {
  SlideReport report;
  report.details = ClassDetails{{{"a", 1.0}}, "a"};
  const Json json = to_json(report);
  CHECK(json.at("label") == "a");
  CHECK_FALSE(json.contains("details"));
  CHECK(json.size() == facts_json(report).size() + 2);
}

TEST_CASE("a record whose details have another shape is none") {
  for (const char* text :
       {R"({})", R"([])", R"({"tile": {}})", R"({"unknown": {}})", R"({"label": 7})",
        R"({"scores": {"dice": null, "pixels": [{"true_positive": -1}]}})",
        R"({"class": {"label": "a", "probabilities": {"a": "much"}}})"}) {
    Json record = to_record(SlideReport{});
    record["details"] = Json::parse(text);
    CHECK_THROWS_AS(slide_report(record), DataError);
  }
}

}  // namespace untiled
