#include "app/bench/overlap.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "lib/streaming/segment.h"
#include "models/unet.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

/// The parts of a step that read the slide, by the names in timings.csv.
std::set<std::string> reading_parts() {
  const Graph graph = unet_graph({}, 1);
  std::set<std::string> parts = {"loss and backward"};
  for (const Segment& segment : cut_segments(graph, graph.storable_layers())) {
    if (!segment.reads_pixels() || segment.target == graph.output()) continue;
    const std::string& name = graph.layer(segment.target).name;
    parts.insert({name + " forward", name + " backward"});
  }
  return parts;
}

const Json* find_row(const Json& rows, const std::function<bool(const Json&)>& wanted) {
  const auto found = std::find_if(rows.begin(), rows.end(), wanted);
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

Json overlap_of(const Json& report) {
  const auto named = [](const char* name) {
    return [name](const Json& row) { return row["name"] == name; };
  };
  const Json* alone = find_row(report["steps"], named(kComputingStep));
  const Json* both = find_row(report["steps"], named(kOverlappedStep));
  const Json* reading = find_row(report["reading"], [](const Json& row) {
    return row["threads"] == 1 && row["region"] == 1024 && row["backend"] == "tiff";
  });
  if (alone == nullptr || both == nullptr || reading == nullptr) return nullptr;
  const double pixels = both->at("rows").get<double>() * both->at("columns").get<double>();
  const double decoding = pixels / 1e6 / reading->at("megapixels_per_second").get<double>();
  const std::set<std::string> reads = reading_parts();
  double ideal = 0.0;
  double measured = 0.0;
  for (const auto& [part, seconds] : alone->at("parts").items()) {
    if (!part.ends_with("ward")) continue;
    const auto computing = seconds.get<double>();
    ideal += reads.contains(part) ? std::max(computing, decoding) : computing;
    measured += both->at("parts").at(part).get<double>();
  }
  return {{"decoding_seconds", decoding},
          {"ideal_seconds", ideal},
          {"seconds", measured},
          {"times_ideal", measured / ideal}};
}

}  // namespace untiled
