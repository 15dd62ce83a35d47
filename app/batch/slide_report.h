// What a batch says of one slide: a row of report.csv, an entry of report.json, a card of
// report.html. All three are made from this.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/batch/slide_details.h"
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
  SlideDetails details;              ///< Not in tables.
};

/// Whether the slide was compared with a reference, and the Dice that this gave, if it is defined.
bool has_scores(const SlideReport& report);
std::optional<double> dice_of(const SlideReport& report);

/// What all verbs say, in the order of a table's columns; an undefined number is null.
nlohmann::ordered_json facts_json(const SlideReport& report);
/// For people's programs: the details follow as keys of their own.
nlohmann::ordered_json to_json(const SlideReport& report);
/// For records: the details are one key.
nlohmann::ordered_json to_record(const SlideReport& report);
/// The other way round of to_record. Throws DataError for JSON of another shape.
SlideReport slide_report(const nlohmann::ordered_json& record);

}  // namespace untiled
