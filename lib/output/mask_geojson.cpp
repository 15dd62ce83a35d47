#include "lib/output/mask_geojson.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "lib/core/error.h"
#include "lib/core/lower_case.h"
#include "lib/output/uuid.h"

namespace untiled {
namespace {

constexpr int64_t kMostAnnotations = 5000;
/// Stands in a feature's line where the type of the object will be.
constexpr char kTypePlace = '\t';
constexpr std::array<int, 3> kTissueColor = {0, 160, 0};

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The class of each label that is drawn, with the label.
std::vector<std::pair<uint8_t, MaskClass>> drawn_classes(const MaskFacts& facts) {
  if (facts.classes.empty()) return {{uint8_t{1}, {"Tissue", 1, kTissueColor}}};
  if (facts.classes.size() == 1) return {{uint8_t{1}, facts.classes.front()}};
  std::vector<std::pair<uint8_t, MaskClass>> drawn;
  for (size_t i = 0; i < facts.classes.size(); ++i) {
    if (is_drawn(facts.classes[i])) drawn.emplace_back(static_cast<uint8_t>(i), facts.classes[i]);
  }
  return drawn;
}

}  // namespace

bool is_drawn(const MaskClass& c) {
  const std::string name = lower_case(c.name);
  return name != "background" && !name.starts_with("ignore");
}

/// The tracer of one class.
struct MaskGeoJson::Layer {
  Layer(uint8_t l, ContourTracer::Sink sink) : label(l), tracer(std::move(sink)) {}

  uint8_t label;
  ContourTracer tracer;
};

/// A text file that appears whole or not at all.
class MaskGeoJson::LineFile {
 public:
  explicit LineFile(const std::filesystem::path& path)
      : target_(path), file_(std::fopen(target_.path().c_str(), "w+b")) {
    if (!file_) throw write_error(path, errno);
  }

  void write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) {
      throw write_error(target_.destination(), errno);
    }
  }
  /// Hands what was written, piece by piece, to `use`.
  void replay(const std::function<void(std::string_view)>& use) {
    constexpr size_t kPiece = 1 << 16;
    if (std::fflush(file_.get()) != 0) throw write_error(target_.destination(), errno);
    std::rewind(file_.get());
    std::string piece(kPiece, '\0');
    while (const size_t size = std::fread(piece.data(), 1, piece.size(), file_.get())) {
      use(std::string_view(piece).substr(0, size));
    }
    if (std::ferror(file_.get()) != 0) throw write_error(target_.destination(), errno);
  }
  void commit() {
    if (std::fclose(file_.release()) != 0) throw write_error(target_.destination(), errno);
    target_.commit();
  }

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  AtomicFile target_;
  std::unique_ptr<std::FILE, Closer> file_;
};

MaskGeoJson::MaskGeoJson(const std::filesystem::path& path, MaskFacts facts, std::string slide_id,
                         double tolerance)
    : path_(path),
      facts_(std::move(facts)),
      slide_id_(std::move(slide_id)),
      simplify_(tolerance),
      features_(std::make_unique<LineFile>(path)) {
  for (const double number :
       {facts_.offset_x, facts_.offset_y, facts_.downsample_x, facts_.downsample_y}) {
    is_whole_ &= number == std::floor(number);
  }
  for (auto& [label, c] : drawn_classes(facts_)) {
    const auto sink = [this, c = c](const PixelPolygon& polygon) { write_polygon(c, polygon); };
    layers_.push_back(std::make_unique<Layer>(label, sink));
  }
}

MaskGeoJson::~MaskGeoJson() = default;

void MaskGeoJson::write_row(const MaskRow& row) {
  for (const auto& layer : layers_) layer->tracer.add_row(edges_of(row, layer->label));
}

void MaskGeoJson::write_ring(const Ring& ring, bool is_first) {
  text_.clear();
  if (!is_first) text_.push_back(',');
  text_.push_back('[');
  for (size_t i = 0; i <= ring.size(); ++i) {
    const PixelCorner& at = ring[i < ring.size() ? i : 0];
    const double x = facts_.offset_x + facts_.downsample_x * at.x;
    const double y = facts_.offset_y + facts_.downsample_y * at.y;
    const char* comma = i == 0 ? "" : ",";
    if (is_whole_) {
      fmt::format_to(std::back_inserter(text_), "{}[{},{}]", comma, static_cast<int64_t>(x),
                     static_cast<int64_t>(y));
    } else {
      fmt::format_to(std::back_inserter(text_), "{}[{},{}]", comma, x, y);
    }
  }
  text_.push_back(']');
  features_->write({text_.data(), text_.size()});
}

void MaskGeoJson::write_polygon(const MaskClass& c, const PixelPolygon& polygon) {
  RingList exterior;
  exterior.add(polygon.exterior);
  const std::string id =
      content_uuid(slide_id_ + '\n' + c.name + '\n' + exterior.bytes() + polygon.holes.bytes());
  features_->write(
      fmt::format(R"({}{{"type":"Feature","id":"{}","geometry":{{"type":"Polygon","coordinates":[)",
                  objects_ == 0 ? "\n" : ",\n", id));
  const std::vector<Ring> simple = simplify_(polygon);
  if (simple.empty()) {
    write_ring(polygon.exterior, true);
    polygon.holes.for_each([this](const Ring& ring) { write_ring(ring, false); });
  }
  for (size_t i = 0; i < simple.size(); ++i) write_ring(simple[i], i == 0);
  std::string measurements;
  if (facts_.scale) {
    const double um2 = facts_.scale->mpp_x * facts_.scale->mpp_y;
    measurements = fmt::format(R"("Area um^2":{})", static_cast<double>(polygon.pixels) * um2);
  }
  const std::string name = quoted(c.name);
  features_->write(
      fmt::format(R"(]}},"properties":{{"objectType":"{}","name":{},"classification":{{"name":{},)"
                  R"("color":[{},{},{}]}},"measurements":{{{}}}}}}})",
                  kTypePlace, name, name, c.color[0], c.color[1], c.color[2], measurements));
  ++objects_;
}

void MaskGeoJson::finish() {
  for (const auto& layer : layers_) layer->tracer.finish();
  const std::string_view type = objects_ > kMostAnnotations ? "detection" : "annotation";
  LineFile file(path_);
  file.write(R"({"type":"FeatureCollection","features":[)");
  features_->replay([&](std::string_view piece) {
    while (!piece.empty()) {
      const size_t place = piece.find(kTypePlace);
      file.write(piece.substr(0, place));
      if (place == std::string_view::npos) return;
      file.write(type);
      piece.remove_prefix(place + 1);
    }
  });
  file.write("]}\n");
  file.commit();
}

}  // namespace untiled
