#include "data/tissue/annotations.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cmath>
#include <functional>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

const std::vector<ClassSettings> kThree = {{"background", 0}, {"Stroma", 1}, {"Tumor", 2}};

/// The square [x, x + size) x [y, y + size) as a GeoJSON geometry.
std::string square(int x, int y, int size) {
  return fmt::format(
      R"({{"type":"Polygon","coordinates":[[[{0},{1}],[{2},{1}],[{2},{3}],[{0},{3}],[{0},{1}]]]}})",
      x, y, x + size, y + size);
}

std::string feature(const std::string& classification, const std::string& geometry) {
  return R"({"type":"Feature","geometry":)" + geometry + R"(,"properties":{"classification":)" +
         classification + "}}";
}

std::string collection(const std::vector<std::string>& features) {
  std::string all;
  for (const std::string& f : features) all += (all.empty() ? "" : ",") + f;
  return R"({"type":"FeatureCollection","features":[)" + all + "]}";
}

ViewInfo view_of(const Extent& extent, double downsample = 1) {
  ViewInfo view;
  view.extent = extent;
  view.downsample_x = view.downsample_y = downsample;
  const auto side = [&](int64_t pixels) {
    return static_cast<int64_t>(std::ceil(static_cast<double>(pixels) * downsample));
  };
  view.frame_level0 = {{0, side(extent.rows)}, {0, side(extent.cols)}};
  return view;
}

/// Labels of 20 x 30 pixels, read in two parts.
class Labels {
 public:
  Labels(const std::string& json, const std::vector<ClassSettings>& classes,
         Unannotated unannotated = Unannotated::kAuto, const ViewInfo& view = view_of({20, 30})) {
    write_file(folder_ / "a.geojson", json);
    const auto source = make_annotation_labels(
        folder_ / "a.geojson", read_annotations(folder_ / "a.geojson"), view, classes, unannotated);
    cols_ = view.extent.cols;
    for (const Interval rows : {Interval{0, 7}, Interval{7, view.extent.rows}}) {
      const PixelBlock block = source->read({rows, {0, cols_}});
      bytes_.insert(bytes_.end(), block.bytes.begin(), block.bytes.end());
    }
  }

  int at(int64_t row, int64_t col) const { return bytes_[static_cast<size_t>(row * cols_ + col)]; }
  int64_t count(int label) const {
    return std::count(bytes_.begin(), bytes_.end(), static_cast<uint8_t>(label));
  }

 private:
  TemporaryFolder folder_;
  int64_t cols_ = 0;
  Bytes bytes_;
};

}  // namespace

TEST_CASE("QuPath's ways of naming a class are all understood") {
  const std::string named[] = {R"("Tumor")",
                               R"({"name":"Tumor","color":[200,0,0]})",
                               R"({"names":["Tumor"]})",
                               R"({"name":"Tumor","colorRGB":-3670016})",
                               R"("tumor")",
                               R"("{\"name\": \"Tumor\", \"color\": [200, 0, 0]}")",
                               R"("{'name': 'Tumor', 'color': [200, 0, 0]}")",
                               R"("{'name': 'Tumor', 'colorRGB': None, 'visible': True}")",
                               R"("{'note': \"it's\", 'name': 'Tumor', 'said': '\"no\"'}")",
                               R"("{'note': 'it\\'s None', 'name': \"Tumor\"}")",
                               R"({"name":"Tumor "})",
                               R"(" Tumor")"};
  for (const std::string& classification : named) {
    const Labels labels(collection({feature(classification, square(3, 2, 5))}), kThree);
    CHECK(labels.count(2) == 25);
    CHECK(labels.at(2, 3) == 2);
    CHECK(labels.at(6, 7) == 2);
    CHECK(labels.at(7, 8) == kIgnoredLabel);
  }
}

TEST_CASE("collections, arrays, features and geometries are read, gzipped too") {
  const std::string geometry = square(3, 2, 5);
  const std::string one = R"({"type":"Feature","geometry":)" + geometry + R"(,"properties":{}})";
  for (const std::string& json :
       {collection({one}), "[" + one + "]", one, geometry, "\xEF\xBB\xBF " + collection({one}),
        collection({collection({}), collection({collection({one})})}),
        "[" + collection({one}) + "]"}) {
    CHECK(Labels(json, {}).count(1) == 25);
  }
  const TemporaryFolder folder;
  const gzFile file = gzopen((folder / "a.geojson.gz").c_str(), "wb");
  gzwrite(file, geometry.data(), static_cast<unsigned>(geometry.size()));
  gzclose(file);
  CHECK(read_annotations(folder / "a.geojson.gz").areas.size() == 1);
  CHECK(looks_like_geojson(folder / "a.geojson.gz"));
}

TEST_CASE("a feature a line is read, with RFC 8142's mark or without, and a broken line is not") {
  const std::string one = feature(R"({"name":"Tumor"})", square(2, 3, 5));
  const std::string other = feature(R"({"name":"Tumor","n":NaN})", square(12, 3, 4));
  for (const std::string& text :
       {fmt::format("{}\n{}", one, other), fmt::format("{}\r\n\r\n{}\r\n", one, other),
        fmt::format("\x1E{}\n\x1E{}\n", one, other)}) {
    INFO(text);
    CHECK(Labels(text, kThree).count(2) == 25 + 16);
  }
  for (const std::string& text : {one + "\n" + other.substr(0, 40), one + "\n7\n", one + other}) {
    INFO(text);
    CHECK_THROWS_WITH(Labels(text, kThree), contains_text("is not JSON"));
  }
}

TEST_CASE("holes are left out, parts of a MultiPolygon are one annotation") {
  const std::string ring = "[[0,0],[10,0],[10,10],[0,10],[0,0]],[[2,2],[4,2],[4,4],[2,4],[2,2]]";
  CHECK(Labels(R"({"type":"Polygon","coordinates":[)" + ring + "]}", {}).count(1) == 96);
  const std::string more = R"({"type":"MultiPolygon","coordinates":[[)" + ring +
                           "],[[[20,0],[25,0],[25,5],[20,5],[20,0]]]]}";
  CHECK(Labels(more, {}).count(1) == 96 + 25);
}

TEST_CASE("parts of one annotation that overlap unite, and their holes are their own") {
  const std::string parts = square(0, 0, 10) + "," + square(5, 5, 10);
  CHECK(Labels(R"({"type":"GeometryCollection","geometries":[)" + parts + "]}", {}).count(1) ==
        175);
  const std::string rings =
      "[[[0,0],[10,0],[10,10],[0,10],[0,0]]],[[[5,5],[15,5],[15,15],[5,15],[5,5]]]";
  CHECK(Labels(R"({"type":"MultiPolygon","coordinates":[)" + rings + "]}", {}).count(1) == 175);
  // The hole of the first part is filled by the second one.
  const std::string holed =
      "[[[0,0],[10,0],[10,10],[0,10],[0,0]],[[2,2],[8,2],[8,8],[2,8],[2,2]]],"
      "[[[5,5],[15,5],[15,15],[5,15],[5,5]]]";
  CHECK(Labels(R"({"type":"MultiPolygon","coordinates":[)" + holed + "]}", {}).count(1) ==
        100 - 36 + 9 + 75);
}

TEST_CASE("a part of a collection that is null holds nothing") {
  CHECK(Labels(R"({"type":"GeometryCollection","geometries":[null,)" + square(0, 0, 10) + "]}", {})
            .count(1) == 100);
}

TEST_CASE("a ring that is walked twice or crosses itself holds what it goes round") {
  const std::string twice = "[[0,0],[10,0],[10,10],[0,10],[0,0],[10,0],[10,10],[0,10],[0,0]]";
  CHECK(Labels(R"({"type":"Polygon","coordinates":[)" + twice + "]}", {}).count(1) == 100);
  // Two squares on one path, one the same way round within the other, overlap.
  const std::string loop =
      "[[0,0],[12,0],[12,12],[0,12],[0,0],[3,3],[9,3],[9,9],[3,9],[3,3],[0,0]]";
  CHECK(Labels(R"({"type":"Polygon","coordinates":[)" + loop + "]}", {}).count(1) == 144);
  const std::string eight =
      "[[0,0],[10,10],[10,0],[0,10],[0,0]]";  // Both halves, either way round.
  CHECK(Labels(R"({"type":"Polygon","coordinates":[)" + eight + "]}", {}).count(1) > 40);
}

TEST_CASE("holes may overlap, and a ring apart from the outline is no hole") {
  const std::string outline = "[[0,0],[20,0],[20,15],[0,15],[0,0]]";
  const std::string holes = "[[2,2],[8,2],[8,8],[2,8],[2,2]],[[5,5],[11,5],[11,11],[5,11],[5,5]]";
  CHECK(
      Labels(R"({"type":"Polygon","coordinates":[)" + outline + "," + holes + "]}", {}).count(1) ==
      300 - 63);
  const std::string apart = "[[22,2],[27,2],[27,7],[22,7],[22,2]]";
  CHECK(
      Labels(R"({"type":"Polygon","coordinates":[)" + outline + "," + apart + "]}", {}).count(1) ==
      300 + 25);
}

TEST_CASE("parts that share a polygon keep their holes, also where their boxes overlap") {
  const auto count = [](const std::string& rings) {
    return Labels(R"({"type":"Polygon","coordinates":[)" + rings + "]}", {}).count(1);
  };
  const std::string first = "[[0,0],[10,0],[10,10],[0,10],[0,0]],[[2,2],[4,2],[4,4],[2,4],[2,2]]";
  const std::string second =
      "[[12,0],[20,0],[20,10],[12,10],[12,0]],[[14,2],[17,2],[17,5],[14,5],[14,2]]";
  CHECK(count(first + "," + second) == 96 + 71);
  CHECK(count(second + "," + first) == 96 + 71);
  // A bracket open to the right, and a square in its opening.
  const std::string bracket = "[[0,0],[20,0],[20,4],[4,4],[4,14],[20,14],[20,18],[0,18],[0,0]],";
  CHECK(count(bracket + "[[8,6],[14,6],[14,12],[8,12],[8,6]]") == 200 + 36);
  // A hole may go round either way.
  const std::string outline = "[[0,0],[10,0],[10,10],[0,10],[0,0]],";
  CHECK(count(outline + "[[2,2],[6,2],[6,6],[2,6],[2,2]]") == 84);
  CHECK(count(outline + "[[2,2],[2,6],[6,6],[6,2],[2,2]]") == 84);
}

TEST_CASE("a ring that reaches over the outline is a hole, whichever way it goes round") {
  const auto count = [](const std::string& rings) {
    return Labels(R"({"type":"Polygon","coordinates":[)" + rings + "]}", {}).count(1);
  };
  // As shapely's make_valid(method="structure") has it: what lies beyond the outline is nothing.
  const std::string outline = "[[0,0],[12,0],[12,12],[0,12],[0,0]],";
  CHECK(count(outline + "[[8,2],[20,2],[20,8],[8,8],[8,2]]") == 144 - 24);
  CHECK(count(outline + "[[8,2],[8,8],[20,8],[20,2],[8,2]]") == 144 - 24);
  // Apart in the opening of a bracket it is a part, whichever way it goes round.
  const std::string bracket = "[[0,0],[20,0],[20,4],[4,4],[4,14],[20,14],[20,18],[0,18],[0,0]],";
  CHECK(count(bracket + "[[8,6],[8,12],[14,12],[14,6],[8,6]]") == 200 + 36);
  // Parts that touch are both parts.
  CHECK(count(outline + "[[12,0],[20,0],[20,12],[12,12],[12,0]]") == 144 + 96);
  CHECK(count(outline + "[[12,12],[16,12],[16,18],[12,18],[12,12]]") == 144 + 24);
}

TEST_CASE("bare NaN and infinities in measurements do no harm, in coordinates they are refused") {
  const std::string measured =
      R"({"type":"Feature","geometry":)" + square(3, 2, 5) +
      R"(,"properties":{"name":"NaN \" Infinity","measurements":{"a":NaN,"b":-Infinity,"c":[Infinity]}}})";
  CHECK(Labels(measured, {}).count(1) == 25);
  CHECK_THROWS_AS(Labels(R"({"type":"Polygon","coordinates":[[[NaN,0],[1,0],[1,1]]]})", {}),
                  DataError);
  CHECK_THROWS_AS(Labels(R"({"type":"Polygon","x":Nan})", {}), DataError);
}

TEST_CASE("of overlapping classes the later one in the settings counts") {
  const auto tumor = feature(R"("Tumor")", square(0, 0, 10));
  const auto stroma = feature(R"("Stroma")", square(5, 5, 10));
  for (const auto& json : {collection({tumor, stroma}), collection({stroma, tumor})}) {
    const Labels labels(json, kThree);
    CHECK(labels.count(2) == 100);
    CHECK(labels.count(1) == 75);
  }
}

TEST_CASE("Ignore* has no weight, nor has what lies outside Region*") {
  const auto region = feature(R"("Region*")", square(0, 0, 15));
  const auto ignored = feature(R"("Ignore*")", square(2, 2, 3));
  const auto tumor = feature(R"("Tumor")", square(0, 0, 20));
  const Labels both(collection({ignored, tumor, region}), kThree);
  CHECK(both.count(2) == 15 * 15 - 9);
  CHECK(both.at(3, 3) == kIgnoredLabel);
  CHECK(both.at(0, 16) == kIgnoredLabel);
  // Inside a region that is annotated completely the rest is background.
  const Labels rest(collection({region, feature(R"("Tumor")", square(0, 0, 5))}), kThree);
  CHECK(rest.count(2) == 25);
  CHECK(rest.count(0) == 15 * 15 - 25);
}

TEST_CASE("what is not annotated is as the setting says") {
  const auto json = collection({feature(R"("Tumor")", square(0, 0, 5))});
  CHECK(Labels(json, kThree).count(kIgnoredLabel) == 600 - 25);
  CHECK(Labels(json, kThree, Unannotated::kBackground).count(0) == 600 - 25);
  const std::vector<ClassSettings> one = {{"tumor", 1}};
  CHECK(Labels(json, one).count(0) == 600 - 25);
  CHECK(Labels(json, one, Unannotated::kIgnored).count(kIgnoredLabel) == 600 - 25);
}

TEST_CASE("an ellipse is rebuilt from its box, points and other planes are left out") {
  const std::string diamond = R"({"type":"Polygon","isEllipse":true,"coordinates":)"
                              R"([[[10,0],[20,10],[10,20],[0,10],[10,0]]]})";
  CHECK(std::abs(static_cast<double>(Labels(diamond, {}).count(1)) - 314.16) < 6);
  const TemporaryFolder folder;
  write_file(folder / "a.json",
             collection({feature("null", R"({"type":"Point","coordinates":[1,2]})"),
                         feature("null", R"({"type":"LineString","coordinates":[[1,2],[3,4]]})"),
                         feature("null", R"({"type":"Polygon","plane":{"c":-1,"z":1,"t":0},)"
                                         R"("coordinates":[[[0,0],[5,0],[5,5],[0,0]]]})")}));
  const Annotations found = read_annotations(folder / "a.json");
  CHECK(found.areas.empty());
  CHECK(found.skipped_lines == 2);
  CHECK(found.skipped_planes == 1);
}

TEST_CASE("a pixel of a coarser view belongs to what holds its centre") {
  const auto json = square(8, 8, 24);
  const Labels labels(json, {}, Unannotated::kAuto, view_of({10, 10}, 8));
  CHECK(labels.count(1) == 9);
  CHECK(labels.at(1, 1) == 1);
  CHECK(labels.at(0, 1) == 0);
  CHECK(labels.at(4, 4) == 0);
  ViewInfo moved = view_of({10, 10}, 8);
  moved.offset_x_level0 = 16;  // A view that begins two pixels into the slide.
  CHECK(Labels(json, {}, Unannotated::kAuto, moved).count(1) == 6);
}

TEST_CASE("annotations that unpack to more than the budget are refused before they are parsed") {
  const TemporaryFolder folder;
  const gzFile file = gzopen((folder / "bomb.geojson.gz").c_str(), "wb9");
  std::string piece;
  for (int i = 0; i < 10'000; ++i) piece += "[0,0],";
  gzputs(file, R"({"type":"Polygon","coordinates":[[)");
  for (int i = 0; i < 300; ++i) gzwrite(file, piece.data(), static_cast<unsigned>(piece.size()));
  gzputs(file, "[0,0]]]}");
  gzclose(file);
  constexpr int64_t kBudget = 64 << 20;
  CHECK_THROWS_WITH(
      read_annotations(folder / "bomb.geojson.gz", LabelObjects::kAnnotations, kBudget),
      contains_text("bomb.geojson.gz") && contains_text("64 MiB of memory_budget"));
  CHECK(annotation_bytes(folder / "bomb.geojson.gz", kBudget) > kBudget);
}

TEST_CASE("annotations nested without end are refused, whatever they are made of") {
  const TemporaryFolder folder;
  std::string collections;
  for (int i = 0; i < 60'000; ++i) collections += R"({"type":"GeometryCollection","geometries":[)";
  for (const std::string& text : {std::string(200'000, '['), collections}) {
    write_file(folder / "deep.geojson", text);
    CHECK_THROWS_AS(read_annotations(folder / "deep.geojson"), DataError);
  }
  const std::string name = "{" + std::string(100'000, '[');  // A name that looks like an object.
  write_file(folder / "name.geojson", R"({"type":"Feature","geometry":)" + square(0, 0, 3) +
                                          R"(,"properties":{"classification":")" + name + R"("}})");
  CHECK(read_annotations(folder / "name.geojson").areas.at(0).class_name == name);
}

TEST_CASE("an unknown class and broken files are refused by name") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(Labels(collection({feature(R"("Lymph")", square(0, 0, 3))}), kThree),
                    contains_text("Lymph") && contains_text("Stroma"));
  CHECK_THROWS_WITH(Labels(collection({feature("null", square(0, 0, 3))}), kThree),
                    contains_text("without a class"));
  CHECK_THROWS_WITH(Labels(collection({feature(R"("Tumour")", square(0, 0, 3))}), {{"Tumor", 1}}),
                    contains_text("Tumour") && contains_text("which are Tumor"));
  for (const char* text : {"{", "{}", R"({"type":"FeatureCollection"})", R"([{"type":"Feature",
       "geometry":{"type":"Polygon","coordinates":[[[1]]]}}])",
                           "[1]"}) {
    write_file(folder / "bad.geojson", text);
    CHECK_THROWS_AS(read_annotations(folder / "bad.geojson"), DataError);
    CHECK_THROWS_WITH(read_annotations(folder / "bad.geojson"), contains_text("bad.geojson"));
  }
}

TEST_CASE("a text in another encoding is named, with its first byte that is no UTF-8") {
  const TemporaryFolder folder;
  write_file(folder / "latin1.geojson", "{\"name\":\"Gesch\xFCr\"}");
  CHECK_THROWS_WITH(read_annotations(folder / "latin1.geojson"),
                    contains_text("latin1.geojson: is no UTF-8 text") && contains_text("byte 15") &&
                        contains_text("save it as UTF-8") && !contains_text("export it again"));
}

}  // namespace untiled
