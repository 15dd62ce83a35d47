#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/tissue/annotations.h"
#include "lib/core/error.h"
#include "lib/core/lower_case.h"

namespace untiled {
namespace {

/// Level-0 rows of the lists in which edges are kept, so that a row asks few of them.
constexpr double kBandRows = 256;

/// How an annotation counts, in the order in which a row is filled.
struct Layer {
  enum class Kind { kClass, kRegion, kIgnored };
  Kind kind = Kind::kClass;
  uint8_t label = 0;
  friend bool operator<(const Layer& a, const Layer& b) {
    return std::pair(a.kind, a.label) < std::pair(b.kind, b.label);
  }
};

/// Which annotation and which of all polygons a ring belongs to, whose holes follow its outline.
struct RingPlace {
  size_t area = 0;
  size_t polygon = 0;
  bool is_hole = false;
};

struct Edge {
  Vertex a;
  Vertex b;
  size_t ring = 0;

  bool crosses(double y) const { return (a.y <= y) != (b.y <= y); }
  double x_at(double y) const { return a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x); }
};

/// Names and labels of the settings' classes.
class ClassNames {
 public:
  ClassNames(std::string path, const std::vector<ClassSettings>& classes)
      : path_(std::move(path)), classes_(classes) {
    for (const ClassSettings& c : classes_) {
      if (layer_kind(c.name) != Layer::Kind::kClass) {
        throw ConfigError(fmt::format(
            "data.classes: '{}' cannot be read from {}: annotations whose names begin with Region "
            "or Ignore say where labels count; choose another name",
            c.name, path_));
      }
    }
  }

  bool several() const { return classes_.size() > 1; }

  Layer layer_of(const std::string& name) const {
    const Layer::Kind kind = layer_kind(name);
    if (kind == Layer::Kind::kRegion) return {kind, 0};
    if (kind == Layer::Kind::kIgnored) return {kind, kIgnoredLabel};
    return {kind, label_of(name)};
  }

  /// What is not annotated where that is the background's.
  uint8_t background() const {
    if (!several()) return 0;
    for (size_t i = 0; i < classes_.size(); ++i) {
      if (lower_case(classes_[i].name) == "background") return static_cast<uint8_t>(i);
    }
    return kIgnoredLabel;
  }

 private:
  static Layer::Kind layer_kind(const std::string& name) {
    const std::string key = lower_case(name);
    if (key.starts_with("region")) return Layer::Kind::kRegion;
    return key.starts_with("ignore") ? Layer::Kind::kIgnored : Layer::Kind::kClass;
  }

  uint8_t label_of(const std::string& name) const {
    const std::string key = lower_case(name);
    if (classes_.empty()) {
      if (key.empty() || key == "tissue") return 1;
      refuse(name, "Tissue; name others in data.classes");
    }
    for (size_t i = 0; i < classes_.size(); ++i) {
      if (lower_case(classes_[i].name) != key) continue;
      return several() ? static_cast<uint8_t>(i) : 1;
    }
    std::vector<std::string> known;
    for (const ClassSettings& c : classes_) known.push_back(c.name);
    refuse(name, fmt::format("{}; add it to data.classes, or draw it again as one of them, Ignore "
                             "or Region",
                             fmt::join(known, ", ")));
  }

  [[noreturn]] void refuse(const std::string& name, const std::string& known) const {
    throw DataError(fmt::format("{}: an annotation {} is none of the classes, which are {}", path_,
                                name.empty() ? "without a class" : "of class " + name, known));
  }

  std::string path_;
  const std::vector<ClassSettings>& classes_;
};

/// One axis of a view in its frame: pixel i has its centre at `first` + i * `step`.
struct Centres {
  double first = 0;
  double step = 1;

  double at(int64_t i) const { return first + static_cast<double>(i) * step; }
  /// The first pixel whose centre is not before `x`.
  int64_t first_from(double x) const {
    constexpr double kFar = 1e15;
    return static_cast<int64_t>(std::ceil(std::clamp((x - first) / step, -kFar, kFar)));
  }
};

/// The union of runs in any order, sorted.
std::vector<Interval> united(std::vector<Interval> runs) {
  std::sort(runs.begin(), runs.end(),
            [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
  std::vector<Interval> result;
  for (const Interval& run : runs) {
    if (result.empty() || result.back().end < run.begin) {
      result.push_back(run);
    } else {
      result.back().end = std::max(result.back().end, run.end);
    }
  }
  return result;
}

/// `runs` where none of `holes` is; both sorted, neither overlapping itself.
std::vector<Interval> without(const std::vector<Interval>& runs,
                              const std::vector<Interval>& holes) {
  std::vector<Interval> left;
  auto hole = holes.begin();
  for (Interval run : runs) {
    while (hole != holes.end() && hole->end <= run.begin) ++hole;
    for (auto inside = hole; inside != holes.end() && inside->begin < run.end; ++inside) {
      if (run.begin < inside->begin) left.push_back({run.begin, inside->begin});
      run.begin = std::min(inside->end, run.end);
    }
    if (!run.empty()) left.push_back(run);
  }
  return left;
}

class AnnotationLabels : public PixelSource {
 public:
  AnnotationLabels(const Annotations& annotations, const ViewInfo& view, const ClassNames& names,
                   Unannotated unannotated)
      : extent_(view.extent),
        rows_({view.offset_y_level0 - static_cast<double>(view.frame_level0.rows.begin) +
                   view.downsample_y / 2,
               view.downsample_y}),
        cols_({view.offset_x_level0 - static_cast<double>(view.frame_level0.cols.begin) +
                   view.downsample_x / 2,
               view.downsample_x}) {
    for (const Annotation& area : annotations.areas) {
      layers_.push_back(names.layer_of(area.class_name));
      has_regions_ |= layers_.back().kind == Layer::Kind::kRegion;
    }
    size_t number = 0;
    for (size_t i = 0; i < annotations.areas.size(); ++i) {
      for (const AreaPolygon& polygon : annotations.areas[i].polygons) {
        add_edges(polygon.outline, {i, number, false});
        for (const VertexRing& hole : polygon.holes) add_edges(hole, {i, number, true});
        ++number;
      }
    }
    rest_ = names.background();
    const bool ignored = unannotated == Unannotated::kIgnored ||
                         (unannotated == Unannotated::kAuto && names.several() && !has_regions_);
    if (ignored) rest_ = kIgnoredLabel;
  }

  Extent extent() const override { return extent_; }
  int channels() const override { return 1; }

  PixelBlock read(const Region& region) const override {
    PixelBlock block{region, 1, {}, {}};
    block.bytes.assign(static_cast<size_t>(region.area()), rest_);
    std::vector<Span> spans;
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      find_spans(row, region.cols, spans);
      fill(block.bytes.data() + (row - region.rows.begin) * region.cols.size(), region.cols, spans);
    }
    return block;
  }

 private:
  struct Span {
    Layer layer;
    Interval cols;
  };
  struct Crossing {
    size_t ring = 0;
    double x = 0;
    int turn = 0;  ///< 1 where the ring goes down the rows, -1 where it comes back.
    friend bool operator<(const Crossing& a, const Crossing& b) {
      return std::pair(a.ring, a.x) < std::pair(b.ring, b.x);
    }
  };

  static size_t band_of(double y) {
    return y < 0 ? 0 : static_cast<size_t>(std::min(y / kBandRows, 1e9));
  }

  void add_edges(const VertexRing& ring, const RingPlace& place) {
    const double most = rows_.at(extent_.rows);
    for (size_t i = 0; i < ring.size(); ++i) {
      const Edge edge{ring[i], ring[(i + 1) % ring.size()], rings_.size()};
      const auto [top, bottom] = std::minmax(edge.a.y, edge.b.y);
      if (top == bottom || bottom < 0 || top > most) continue;
      for (size_t band = band_of(top); band <= band_of(std::min(bottom, most)); ++band) {
        if (bands_.size() <= band) bands_.resize(band + 1);
        bands_[band].push_back(edge);
      }
    }
    rings_.push_back(place);
  }

  /// Where the rings of a band cross a row, ring by ring from left to right.
  std::vector<Crossing> crossings_of(double y) const {
    std::vector<Crossing> crossings;
    const size_t band = band_of(y);
    if (band >= bands_.size()) return crossings;
    for (const Edge& edge : bands_[band]) {
      if (edge.crosses(y))
        crossings.push_back({edge.ring, edge.x_at(y), edge.a.y < edge.b.y ? 1 : -1});
    }
    std::sort(crossings.begin(), crossings.end());
    return crossings;
  }

  /// Adds the runs of pixels of `cols` inside one ring, whose crossings begin at `next`: where it
  /// goes round more often one way than the other. Moves `next` behind them.
  void add_runs_of_ring(const std::vector<Crossing>& crossings, const Interval& cols, size_t& next,
                        std::vector<Interval>& runs) const {
    const size_t ring = crossings[next].ring;
    int winding = 0;
    double begin = 0;
    for (; next < crossings.size() && crossings[next].ring == ring; ++next) {
      if (winding == 0) begin = crossings[next].x;
      winding += crossings[next].turn;
      if (winding != 0) continue;
      const Interval inside = {cols_.first_from(begin), cols_.first_from(crossings[next].x)};
      const Interval seen = intersect(inside, cols);
      if (!seen.empty()) runs.push_back(seen);
    }
  }

  /// The runs of a row that annotations hold, in the order in which they count.
  void find_spans(int64_t row, const Interval& cols, std::vector<Span>& spans) const {
    spans.clear();
    const std::vector<Crossing> crossings = crossings_of(rows_.at(row));
    for (size_t next = 0; next < crossings.size();) {
      const RingPlace place = rings_[crossings[next].ring];
      std::vector<Interval> inside;
      std::vector<Interval> holes;
      while (next < crossings.size() && rings_[crossings[next].ring].polygon == place.polygon) {
        const bool is_hole = rings_[crossings[next].ring].is_hole;
        add_runs_of_ring(crossings, cols, next, is_hole ? holes : inside);
      }
      if (!holes.empty()) inside = without(inside, united(std::move(holes)));
      for (const Interval& run : inside) spans.push_back({layers_[place.area], run});
    }
    std::stable_sort(spans.begin(), spans.end(),
                     [](const Span& a, const Span& b) { return a.layer < b.layer; });
  }

  void fill(uint8_t* row, const Interval& cols, const std::vector<Span>& spans) const {
    Bytes inside_region;
    if (has_regions_) inside_region.assign(static_cast<size_t>(cols.size()), 0);
    const auto set = [&](uint8_t* to, const Interval& part, uint8_t value) {
      std::fill_n(to + (part.begin - cols.begin), part.size(), value);
    };
    for (const Span& span : spans) {
      if (span.layer.kind == Layer::Kind::kRegion) {
        set(inside_region.data(), span.cols, 1);
      } else {
        set(row, span.cols, span.layer.label);
      }
    }
    for (size_t i = 0; i < inside_region.size(); ++i) {
      if (inside_region[i] == 0) row[i] = kIgnoredLabel;
    }
  }

  Extent extent_;
  Centres rows_;
  Centres cols_;
  std::vector<Layer> layers_;  ///< Of each annotation.
  std::vector<RingPlace> rings_;
  std::vector<std::vector<Edge>> bands_;
  bool has_regions_ = false;
  uint8_t rest_ = 0;  ///< Of pixels in no annotation.
};

}  // namespace

std::shared_ptr<const PixelSource> make_annotation_labels(const std::filesystem::path& path,
                                                          const Annotations& annotations,
                                                          const ViewInfo& view,
                                                          const std::vector<ClassSettings>& classes,
                                                          Unannotated unannotated) {
  return std::make_shared<AnnotationLabels>(annotations, view, ClassNames(path.string(), classes),
                                            unannotated);
}

}  // namespace untiled
