#include "app/bench/overlap.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

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
  const auto computing = alone->at("median_seconds").get<double>();
  const auto measured = both->at("median_seconds").get<double>();
  // What one thread decodes in is hidden behind what the other computes in, or the other way round.
  const double ideal = std::max(computing, decoding);
  return {{"decoding_seconds", decoding},
          {"ideal_seconds", ideal},
          {"seconds", measured},
          {"times_ideal", measured / ideal}};
}

}  // namespace untiled
