#include "data/tissue/annotations.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>

#include "lib/core/error.h"

namespace untiled {
namespace {

using Json = nlohmann::json;

/// The text of a file; zlib reads plain ones too.
std::string read_text(const std::filesystem::path& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw DataError(fmt::format("{}: cannot be opened", path.string()));
  std::string text;
  std::array<char, 1 << 16> piece{};
  int count = 0;
  while ((count = gzread(file, piece.data(), piece.size())) > 0) {
    text.append(piece.data(), static_cast<size_t>(count));
  }
  gzclose(file);
  if (count < 0) {
    throw DataError(fmt::format("{}: cannot be read to its end; is it cut short?", path.string()));
  }
  return text;
}

/// Reads features into Annotations; errors say which feature.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path.string()) {}

  Annotations read(const Json& document) {
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

  void add_feature(const Json& feature) {
    ++feature_;
    if (type_of(feature) != "Feature") fail(fmt::format("is a {}", type_of(feature)));
    const auto geometry = feature.find("geometry");
    if (geometry == feature.end() || geometry->is_null()) return;
    const auto properties = feature.find("properties");
    const bool named = properties != feature.end() && properties->is_object();
    add_geometry(*geometry, named ? *properties : Json::object());
  }

  void add_geometry(const Json& geometry, const Json& properties) {
    Annotation annotation{class_of(properties), {}};
    collect(geometry, annotation);
    if (annotation.rings.empty()) return;
    if (!is_first_plane(geometry)) {
      ++found_.skipped_planes;
      return;
    }
    const bool is_ellipse = (geometry.contains("isEllipse") && geometry["isEllipse"] == true) ||
                            (properties.contains("isEllipse") && properties["isEllipse"] == true);
    if (is_ellipse) annotation.rings = {ellipse_in(annotation.rings.front())};
    found_.areas.push_back(std::move(annotation));
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as geometry collections are
  void collect(const Json& geometry, Annotation& annotation) {
    const std::string type = type_of(geometry);
    if (type == "GeometryCollection") {
      for (const Json& part : member(geometry, "geometries")) collect(part, annotation);
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

  void add_rings(const Json& rings, Annotation& annotation) const {
    if (!rings.is_array()) fail("has a polygon that is no list of rings");
    for (const Json& ring : rings) {
      std::vector<Vertex> vertices;
      if (!ring.is_array()) fail("has a ring that is no list of points");
      for (const Json& point : ring) vertices.push_back(vertex_of(point));
      if (vertices.size() >= 3) annotation.rings.push_back(std::move(vertices));
    }
  }

  Vertex vertex_of(const Json& point) const {
    if (!point.is_array() || point.size() < 2 || !point[0].is_number() || !point[1].is_number()) {
      fail("has a point that is no pair of numbers");
    }
    const Vertex vertex{point[0].get<double>(), point[1].get<double>()};
    if (!std::isfinite(vertex.x) || !std::isfinite(vertex.y)) fail("has a point at infinity");
    return vertex;
  }

  std::string class_of(const Json& properties) const {
    const auto found = properties.find("classification");
    if (found == properties.end() || found->is_null()) return "";
    if (found->is_string()) return found->get<std::string>();
    if (!found->is_object()) fail("has a classification that is no name");
    const auto name = found->find("name");
    if (name != found->end() && name->is_string()) return name->get<std::string>();
    const auto names = found->find("names");
    if (names == found->end() || !names->is_array()) return "";
    std::string joined;  // As QuPath shows derived classes.
    for (const Json& part : *names) {
      if (!part.is_string()) fail("has a classification that is no name");
      joined += (joined.empty() ? "" : ": ") + part.get<std::string>();
    }
    return joined;
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
  static std::vector<Vertex> ellipse_in(const std::vector<Vertex>& outline) {
    constexpr int kCorners = 720;  // Within 1e-5 of its radius.
    constexpr double kStep = 2 * std::numbers::pi / kCorners;
    const auto [left, right] = std::minmax_element(
        outline.begin(), outline.end(), [](const Vertex& a, const Vertex& b) { return a.x < b.x; });
    const auto [top, bottom] = std::minmax_element(
        outline.begin(), outline.end(), [](const Vertex& a, const Vertex& b) { return a.y < b.y; });
    const Vertex centre = {(left->x + right->x) / 2, (top->y + bottom->y) / 2};
    const Vertex radius = {(right->x - left->x) / 2, (bottom->y - top->y) / 2};
    std::vector<Vertex> ellipse;
    for (int i = 0; i < kCorners; ++i) {
      ellipse.push_back(
          {centre.x + radius.x * std::cos(i * kStep), centre.y + radius.y * std::sin(i * kStep)});
    }
    return ellipse;
  }

  std::string path_;
  Annotations found_;
  int64_t feature_ = 0;
};

}  // namespace

bool looks_like_geojson(const std::filesystem::path& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  int c = gzgetc(file);
  constexpr int kByteOrderMark = 0xEF;
  if (c == kByteOrderMark) {
    gzgetc(file);
    gzgetc(file);
    c = gzgetc(file);
  }
  while (c >= 0 && std::isspace(c) != 0) c = gzgetc(file);
  gzclose(file);
  return c == '{' || c == '[';
}

Annotations read_annotations(const std::filesystem::path& path) {
  std::string text = read_text(path);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  Json document;
  try {
    document = Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw DataError(fmt::format("{}: is not JSON: an error at byte {}; export it again",
                                path.string(), error.byte));
  } catch (const Json::exception& error) {
    throw DataError(fmt::format("{}: cannot be read as JSON ({}); export it again", path.string(),
                                error.what()));
  }
  return Reader(path).read(document);
}

}  // namespace untiled
