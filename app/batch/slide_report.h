// What a batch says of one slide: a row of report.csv, an entry of report.json, a card of
// report.html. All three are made from this.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/region.h"

namespace untiled {

enum class SlideStatus { kOk, kEmpty, kFailed };

std::string to_string(SlideStatus status);

/// Depends on the slide, the settings and the model alone: no times, no host.
struct SlideReport {
  std::string slide_id;
  std::string path;  ///< Empty when deidentified.
  SlideStatus status = SlideStatus::kOk;
  std::string reason_code;  ///< See reason codes in README; empty when all went well.
  std::string reason;       ///< A sentence.
  std::vector<std::string> warnings;
  std::string vendor;
  Extent extent;  ///< Of level 0.
  std::optional<double> mpp_x;
  std::optional<double> mpp_y;
  std::string mpp_source;
  int64_t origin_x = 0;  ///< Of the outputs' frame, in level-0 pixels of the slide.
  int64_t origin_y = 0;
  Extent mask;
  std::optional<double> mask_mpp;
  std::optional<double> area_mm2;
  std::optional<double> tissue_fraction;  ///< Of the pixels with data.
  std::optional<int64_t> objects;         ///< Polygons, where GeoJSON was written.
  std::optional<double> confidence;       ///< 0 to 1.
  std::vector<std::string> confidence_reasons;
  std::string fingerprint;
  std::string settings_hash;
  std::string model_hash;  ///< Empty without a model.
  std::string version;
  std::vector<std::string> outputs;  ///< File names in the batch's folder.
  nlohmann::ordered_json details = nlohmann::ordered_json::object();  ///< JSON only, by verb.
};

/// An undefined number is null.
nlohmann::ordered_json to_json(const SlideReport& report);
/// For people's programs: the details follow as keys of their own.
nlohmann::ordered_json to_flat_json(const SlideReport& report);
/// The other way round of to_json. Throws DataError for JSON of another shape.
SlideReport slide_report(const nlohmann::ordered_json& json);

}  // namespace untiled
