#include "app/batch/slide_report.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "lib/core/error.h"
#include "lib/core/json_number.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<SlideStatus, const char*>, 3> kStatuses = {{
    {SlideStatus::kOk, "ok"},
    {SlideStatus::kEmpty, "empty"},
    {SlideStatus::kFailed, "failed"},
}};

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

std::optional<double> read_optional(const Json& json, const char* key) {
  if (json.at(key).is_null()) return std::nullopt;
  return json.at(key).get<double>();
}

int64_t read_whole(const Json& json, const char* key) {
  constexpr int64_t kMost = int64_t{1} << 53;
  return whole_number(key, json.at(key), -kMost, kMost);
}

std::optional<int64_t> read_optional_whole(const Json& json, const char* key) {
  return json.at(key).is_null() ? std::nullopt : std::optional(read_whole(json, key));
}

/// Sides of what was never read are undefined.
Json side(const Extent& extent, int64_t size) { return extent.empty() ? Json() : Json(size); }

Extent read_extent(const Json& json, const char* height, const char* width) {
  return {read_optional_whole(json, height).value_or(0),
          read_optional_whole(json, width).value_or(0)};
}

SlideStatus read_status(const std::string& text) {
  for (const auto& [status, name] : kStatuses) {
    if (text == name) return status;
  }
  throw DataError("unknown status " + text);
}

SlideReport read(const Json& json) {
  SlideReport r;
  r.slide_id = json.at("slide_id");
  r.path = json.at("path");
  r.status = read_status(json.at("status"));
  r.reason_code = json.at("reason_code");
  r.reason = json.at("reason");
  r.warnings = json.at("warnings").get<std::vector<std::string>>();
  r.vendor = json.at("vendor");
  r.extent = read_extent(json, "height", "width");
  r.mpp_x = read_optional(json, "mpp_x");
  r.mpp_y = read_optional(json, "mpp_y");
  r.mpp_source = json.at("mpp_source");
  r.origin_x = read_whole(json, "origin_x");
  r.origin_y = read_whole(json, "origin_y");
  r.mask = read_extent(json, "mask_height", "mask_width");
  r.mask_mpp = read_optional(json, "mask_mpp");
  r.area_mm2 = read_optional(json, "area_mm2");
  r.tissue_fraction = read_optional(json, "tissue_fraction");
  r.objects = read_optional_whole(json, "objects");
  r.confidence = read_optional(json, "confidence");
  r.confidence_reasons = json.at("confidence_reasons").get<std::vector<std::string>>();
  r.fingerprint = json.at("fingerprint");
  r.settings_hash = json.at("settings_hash");
  r.model_hash = json.at("model_hash");
  r.version = json.at("version");
  r.outputs = json.at("outputs").get<std::vector<std::string>>();
  r.details = slide_details(json.at("details"));
  return r;
}

}  // namespace

std::string to_string(SlideStatus status) {
  for (const auto& [known, name] : kStatuses) {
    if (known == status) return name;
  }
  throw InternalError("a status without a name");
}

bool has_scores(const SlideReport& report) {
  return std::holds_alternative<ScoreDetails>(report.details);
}

std::optional<double> dice_of(const SlideReport& report) {
  const auto* scores = std::get_if<ScoreDetails>(&report.details);
  return scores == nullptr ? std::nullopt : scores->dice;
}

Json facts_json(const SlideReport& r) {
  return {{"slide_id", r.slide_id},
          {"path", r.path},
          {"status", to_string(r.status)},
          {"reason_code", r.reason_code},
          {"reason", r.reason},
          {"warnings", r.warnings},
          {"vendor", r.vendor},
          {"width", side(r.extent, r.extent.cols)},
          {"height", side(r.extent, r.extent.rows)},
          {"mpp_x", or_null(r.mpp_x)},
          {"mpp_y", or_null(r.mpp_y)},
          {"mpp_source", r.mpp_source},
          {"origin_x", r.origin_x},
          {"origin_y", r.origin_y},
          {"mask_width", side(r.mask, r.mask.cols)},
          {"mask_height", side(r.mask, r.mask.rows)},
          {"mask_mpp", or_null(r.mask_mpp)},
          {"area_mm2", or_null(r.area_mm2)},
          {"tissue_fraction", or_null(r.tissue_fraction)},
          {"objects", or_null(r.objects)},
          {"confidence", or_null(r.confidence)},
          {"confidence_reasons", r.confidence_reasons},
          {"fingerprint", r.fingerprint},
          {"settings_hash", r.settings_hash},
          {"model_hash", r.model_hash},
          {"version", r.version},
          {"outputs", r.outputs}};
}

Json to_json(const SlideReport& report) {
  Json json = facts_json(report);
  json.update(to_json(report.details));
  return json;
}

Json to_record(const SlideReport& report) {
  Json json = facts_json(report);
  json["details"] = to_record(report.details);
  return json;
}

SlideReport slide_report(const Json& record) {
  try {
    return read(record);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(std::string("not a slide's report: ") + error.what());
  }
}

}  // namespace untiled
