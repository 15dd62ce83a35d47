#include "data/tissue/annotations.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <numbers>
#include <optional>
#include <string_view>
#include <utility>

#include "data/slide/number.h"
#include "data/tissue/annotation_class.h"
#include "lib/core/error.h"
#include "lib/core/json_text.h"
#include "lib/core/lower_case.h"
#include "lib/core/printable.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

using Json = nlohmann::json;

/// What a letter of the text and a value of the JSON take in memory, about.
constexpr int64_t kBytesPerLetter = 8;
constexpr int64_t kBytesPerValue = 40;

struct GzClose {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzFile = std::unique_ptr<gzFile_s, GzClose>;

GzFile open_text(const std::filesystem::path& path) {
  GzFile file(gzopen(path.c_str(), "rb"));
  if (!file) throw DataError(fmt::format("{}: cannot be opened", path.string()));
  return file;
}

/// Gives the text of a file piece by piece, as long as `take` wants more; zlib reads plain ones
/// too.
void read_pieces(const std::filesystem::path& path,
                 const std::function<bool(std::string_view)>& take) {
  const GzFile file = open_text(path);
  std::array<char, 1 << 16> piece{};
  int count = 0;
  while ((count = gzread(file.get(), piece.data(), piece.size())) > 0) {
    throw_if_stopped();
    if (!take({piece.data(), static_cast<size_t>(count)})) return;
  }
  if (count < 0) {
    throw DataError(fmt::format("{}: cannot be read to its end; is it cut short?", path.string()));
  }
}

[[noreturn]] void refuse_size(const std::filesystem::path& path, int64_t most_bytes) {
  throw DataError(fmt::format(
      "{}: its annotations would take more than the {} MiB of memory_budget; raise that, or export "
      "fewer of them",
      path.string(), most_bytes >> 20));
}

std::string read_text(const std::filesystem::path& path, int64_t most_bytes) {
  std::string text;
  read_pieces(path, [&](std::string_view piece) {
    text += piece;
    if (static_cast<int64_t>(text.size()) > most_bytes / kBytesPerLetter) {
      refuse_size(path, most_bytes);
    }
    return true;
  });
  const JsonShape shape = json_shape(text);
  if (static_cast<int64_t>(text.size()) + kBytesPerValue * shape.values > most_bytes) {
    refuse_size(path, most_bytes);
  }
  return text;
}

/// The words for numbers that JSON does not have and Python, Java and JavaScript write.
constexpr std::array<std::string_view, 3> kNoNumbers = {"-Infinity", "Infinity", "NaN"};

/// `text` with null for such words outside of strings.
std::string with_nulls(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      out += text.substr(i++, 2);
      continue;
    }
    if (c == '"') quoted = !quoted;
    const auto* const word = std::find_if(
        kNoNumbers.begin(), kNoNumbers.end(),
        [&](std::string_view known) { return !quoted && text.substr(i).starts_with(known); });
    if (word == kNoNumbers.end()) {
      out += c;
    } else {
      out += "null";
      i += word->size() - 1;
    }
  }
  return out;
}

/// Exporting a text in another encoding again gives the same again: it is to be converted.
void require_utf8(const std::filesystem::path& path, std::string_view text) {
  const size_t valid = valid_utf8_length(text);
  if (valid == text.size()) return;
  throw DataError(
      fmt::format("{}: is no UTF-8 text, as GeoJSON is: byte {} begins no character (Latin-1 or "
                  "Windows-1252, perhaps); save it as UTF-8, in an editor or with iconv",
                  path.string(), valid + 1));
}

/// A feature a line, as tools that stream write them, with RFC 8142's mark before each or without;
/// nothing where a line is none.
std::optional<Json> features_of_lines(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\n\x1E";
  Json features = Json::array();
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(kAround), line.size()));
    if (line.empty()) continue;
    try {
      features.push_back(parse_json<Json>(line));
    } catch (const DataError&) {  // The whole text's error says more.
      return std::nullopt;
    }
    if (!features.back().is_object()) return std::nullopt;
  }
  return features.empty() ? std::nullopt : std::optional(std::move(features));
}

/// JSON, or what would be JSON but for numbers that it does not have, or a feature a line.
Json parse_document(const std::filesystem::path& path, const std::string& text) {
  const bool has_word =
      std::any_of(kNoNumbers.begin(), kNoNumbers.end(),
                  [&](std::string_view word) { return text.find(word) != std::string::npos; });
  const std::string plain = has_word ? with_nulls(text) : text;
  try {
    return parse_json<Json>(plain);
  } catch (const DataError& error) {
    if (auto features = features_of_lines(plain)) return std::move(*features);
    require_utf8(path, text);
    constexpr size_t kLongest = 200;  // A message may repeat a number of any length.
    throw DataError(fmt::format("{}: {}; export it again", path.string(),
                                std::string_view(error.what()).substr(0, kLongest)));
  }
}

/// Reads features into Annotations; errors say which feature.
class Reader {
 public:
  Reader(const std::filesystem::path& path, LabelObjects objects)
      : path_(path.string()), objects_(objects) {}

  Annotations read(const Json& document) {
    add_document(document);
    return std::move(found_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    const std::string where = feature_ > 0 ? fmt::format("feature {} ", feature_) : "";
    throw DataError(
        fmt::format("{}: {}{}; expected GeoJSON as QuPath exports it", path_, where, what));
  }

  std::string type_of(const Json& object) const {
    if (!object.is_object()) fail("is not an object");
    const auto type = object.find("type");
    if (type == object.end() || !type->is_string()) fail("has no type");
    return type->get<std::string>();
  }

  /// A list, a collection, a feature or a geometry, in which a list may hold further collections.
  // NOLINTNEXTLINE(misc-no-recursion): as deep as collections are
  void add_document(const Json& document) {
    if (document.is_array()) {
      for (const Json& feature : document) add_feature(feature);
    } else if (type_of(document) == "FeatureCollection") {
      const auto features = document.find("features");
      if (features == document.end() || !features->is_array()) fail("has no list of features");
      for (const Json& feature : *features) add_feature(feature);
    } else if (type_of(document) == "Feature") {
      add_feature(document);
    } else {
      add_geometry(document, Json::object());
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as collections are
  void add_feature(const Json& feature) {
    ++feature_;
    if (type_of(feature) == "FeatureCollection") return add_document(feature);
    if (type_of(feature) != "Feature") fail(fmt::format("is a {}", type_of(feature)));
    const auto geometry = feature.find("geometry");
    if (geometry == feature.end() || geometry->is_null()) return;
    const auto properties = feature.find("properties");
    const bool named = properties != feature.end() && properties->is_object();
    const Json known = named ? *properties : Json::object();
    const std::string kind = kind_of(feature, known);
    if (is_label(kind)) return add_geometry(*geometry, known);
    ++found_.skipped_objects[kind];
  }

  /// "annotation" of the "PathAnnotationObject" that QuPath's own classes are called; nothing of
  /// what is called otherwise.
  static std::optional<std::string> kind_of_class(const std::string& name) {
    constexpr std::string_view kStart = "path";
    constexpr std::string_view kEnd = "object";
    if (name == "tmacoreobject") return "tma_core";
    if (!name.starts_with(kStart) || !name.ends_with(kEnd)) return std::nullopt;
    return name.substr(kStart.size(), name.size() - kStart.size() - kEnd.size());
  }

  /// "annotation", "detection", "cell", "tma_core", ...: properties of QuPath 0.4 and later, those
  /// of 0.3, and the ids of 0.2. Empty where nothing is said.
  static std::string kind_of(const Json& feature, const Json& properties) {
    for (const char* key : {"objectType", "object_type"}) {
      const auto type = properties.find(key);
      if (type == properties.end() || !type->is_string()) continue;
      const std::string name = lower_case(std::string(trimmed(type->get<std::string>())));
      return kind_of_class(name).value_or(name);
    }
    const auto id = feature.find("id");
    if (id == feature.end() || !id->is_string()) return "";
    return kind_of_class(lower_case(id->get<std::string>())).value_or("");
  }

  bool is_label(const std::string& kind) const {
    if (kind.empty() || kind == "annotation") return true;
    return objects_ == LabelObjects::kAll &&
           (kind == "detection" || kind == "cell" || kind == "tile");
  }

  void add_geometry(const Json& geometry, const Json& properties) {
    auto class_name = annotation_class(properties);
    if (!class_name) fail("has a classification that is no name");
    Annotation annotation{std::move(*class_name), {}};
    collect(geometry, annotation);
    if (annotation.polygons.empty()) return;
    if (!is_first_plane(geometry)) {
      ++found_.skipped_planes;
      return;
    }
    const bool is_ellipse = (geometry.contains("isEllipse") && geometry["isEllipse"] == true) ||
                            (properties.contains("isEllipse") && properties["isEllipse"] == true);
    if (is_ellipse) annotation.polygons = {{ellipse_in(annotation.polygons.front().outline), {}}};
    found_.areas.push_back(std::move(annotation));
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as geometry collections are
  void collect(const Json& geometry, Annotation& annotation) {
    const std::string type = type_of(geometry);
    if (type == "GeometryCollection") {
      for (const Json& part : member(geometry, "geometries")) {
        if (!part.is_null()) collect(part, annotation);
      }
    } else if (type == "Polygon") {
      add_rings(member(geometry, "coordinates"), annotation);
    } else if (type == "MultiPolygon") {
      for (const Json& polygon : member(geometry, "coordinates")) add_rings(polygon, annotation);
    } else if (type.ends_with("Point") || type.ends_with("LineString")) {
      ++found_.skipped_lines;
    } else {
      fail(fmt::format("has a geometry of type {}", type));
    }
  }

  const Json& member(const Json& object, const char* key) const {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_array()) fail(fmt::format("has no list of {}", key));
    return *found;
  }

  /// A ring beside every outline before it cannot be a hole: some writers put all parts of an
  /// object into one polygon, each with its holes.
  void add_rings(const Json& rings, Annotation& annotation) const {
    if (!rings.is_array()) fail("has a polygon that is no list of rings");
    const size_t first = annotation.polygons.size();
    for (const Json& ring : rings) {
      VertexRing vertices = ring_of(ring);
      if (vertices.size() < 3) continue;
      const auto around = std::find_if(
          annotation.polygons.begin() + static_cast<ptrdiff_t>(first), annotation.polygons.end(),
          [&](const AreaPolygon& part) { return !lies_beside(vertices, part.outline); });
      if (around == annotation.polygons.end()) {
        annotation.polygons.push_back({std::move(vertices), {}});
      } else {
        around->holes.push_back(std::move(vertices));
      }
    }
  }

  VertexRing ring_of(const Json& ring) const {
    if (!ring.is_array()) fail("has a ring that is no list of points");
    VertexRing vertices;
    vertices.reserve(ring.size());
    for (const Json& point : ring) vertices.push_back(vertex_of(point));
    return vertices;
  }

  Vertex vertex_of(const Json& point) const {
    if (!point.is_array() || point.size() < 2 || !point[0].is_number() || !point[1].is_number()) {
      fail("has a point that is no pair of numbers");
    }
    const Vertex vertex{point[0].get<double>(), point[1].get<double>()};
    if (!std::isfinite(vertex.x) || !std::isfinite(vertex.y)) fail("has a point at infinity");
    return vertex;
  }

  static bool is_first_plane(const Json& geometry) {
    const auto plane = geometry.find("plane");
    if (plane == geometry.end() || !plane->is_object()) return true;
    const auto is_zero = [&](const char* axis) {
      const auto found = plane->find(axis);
      return found == plane->end() || !found->is_number() || *found == 0;
    };
    return is_zero("z") && is_zero("t");
  }

  /// QuPath writes an ellipse as a coarse polygon: it is the one in the polygon's box.
  static VertexRing ellipse_in(const VertexRing& outline) {
    constexpr int kCorners = 720;  // Within 1e-5 of its radius.
    constexpr double kStep = 2 * std::numbers::pi / kCorners;
    const Box box = box_of(outline);
    const Vertex centre = {(box.least.x + box.most.x) / 2, (box.least.y + box.most.y) / 2};
    const Vertex radius = {(box.most.x - box.least.x) / 2, (box.most.y - box.least.y) / 2};
    VertexRing ellipse;
    for (int i = 0; i < kCorners; ++i) {
      ellipse.push_back(
          {centre.x + radius.x * std::cos(i * kStep), centre.y + radius.y * std::sin(i * kStep)});
    }
    return ellipse;
  }

  std::string path_;
  LabelObjects objects_;
  Annotations found_;
  int64_t feature_ = 0;
};

}  // namespace

bool looks_like_geojson(const std::filesystem::path& path) {
  std::string start;
  read_pieces(path, [&](std::string_view piece) {
    start = piece;  // Nobody writes more space before the first bracket.
    return false;
  });
  const std::string_view mark = "\xEF\xBB\xBF";
  const size_t first =
      start.find_first_not_of(" \t\r\n\x1E", start.starts_with(mark) ? mark.size() : 0);
  return first != std::string::npos && (start[first] == '{' || start[first] == '[');
}

int64_t annotation_bytes(const std::filesystem::path& path, int64_t most_bytes) {
  int64_t letters = 0;
  read_pieces(path, [&](std::string_view piece) {
    letters += static_cast<int64_t>(piece.size());
    return letters <= most_bytes / kBytesPerLetter;
  });
  return kBytesPerLetter * letters;
}

Annotations read_annotations(const std::filesystem::path& path, LabelObjects objects,
                             int64_t most_bytes) {
  std::string text = read_text(path, most_bytes);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return Reader(path, objects).read(parse_document(path, text));
}

int64_t count_outside(const Annotations& annotations, const Extent& extent) {
  const Box slide{{0, 0}, {static_cast<double>(extent.cols), static_cast<double>(extent.rows)}};
  return std::count_if(
      annotations.areas.begin(), annotations.areas.end(), [&](const Annotation& area) {
        return std::all_of(
            area.polygons.begin(), area.polygons.end(),
            [&](const AreaPolygon& polygon) { return are_apart(box_of(polygon.outline), slide); });
      });
}

int64_t count_tiny(const Annotations& annotations) {
  return std::count_if(
      annotations.areas.begin(), annotations.areas.end(), [](const Annotation& area) {
        return std::all_of(area.polygons.begin(), area.polygons.end(), [](const AreaPolygon& part) {
          const Box box = box_of(part.outline);
          return box.most.x - box.least.x < 1 && box.most.y - box.least.y < 1;
        });
      });
}

}  // namespace untiled
