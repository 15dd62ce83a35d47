#include "app/batch/slide_details.h"

#include <nlohmann/json.hpp>

#include "lib/core/error.h"
#include "lib/core/json_number.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMostCount = int64_t{1} << 53;

int64_t read_count(const Json& json, const char* key) {
  return whole_number(key, json.at(key), 0, kMostCount);
}

/// Nothing where the key is not there.
std::optional<int64_t> find_count(const Json& json, const char* key) {
  return json.contains(key) ? std::optional(read_count(json, key)) : std::nullopt;
}

Json by_class(const NumbersByClass& numbers) {
  Json json = Json::object();
  for (const auto& [name, number] : numbers) json[name] = number;
  return json;
}

NumbersByClass read_by_class(const Json& json) {
  NumbersByClass numbers;
  for (const auto& [name, number] : json.items()) numbers.emplace_back(name, number.get<double>());
  return numbers;
}

// What is written of each kind, the name of the kind in records, and the way back.

const char* name_of(const NoDetails& /*details*/) { return "none"; }
Json written(const NoDetails& /*details*/) { return Json::object(); }

const char* name_of(const LabelDetails& /*details*/) { return "label"; }
Json written(const LabelDetails& d) {
  return {{"method", d.method},
          {"mask_downsample", d.mask_downsample},
          {"threshold", d.threshold ? Json(*d.threshold) : Json()}};
}
LabelDetails read_label(const Json& json) {
  LabelDetails d{json.at("method"), read_count(json, "mask_downsample"), {}};
  if (!json.at("threshold").is_null()) d.threshold = json.at("threshold").get<double>();
  return d;
}

const char* name_of(const MaskDetails& /*details*/) { return "mask"; }
Json written(const MaskDetails& d) {
  Json json = Json::object();
  if (d.mask_downsample) json["mask_downsample"] = *d.mask_downsample;
  json["fractions"] = by_class(d.fractions);
  if (d.decoded_by_nvimgcodec) json["decoded_by_nvimgcodec"] = *d.decoded_by_nvimgcodec;
  return json;
}
MaskDetails read_mask(const Json& json) {
  MaskDetails d{{}, read_by_class(json.at("fractions")), find_count(json, "decoded_by_nvimgcodec")};
  if (json.contains("mask_downsample")) d.mask_downsample = json["mask_downsample"].get<double>();
  return d;
}

const char* name_of(const ClassDetails& /*details*/) { return "class"; }
Json written(const ClassDetails& d) {
  return {{"probabilities", by_class(d.probabilities)}, {"label", d.label}};
}
ClassDetails read_class(const Json& json) {
  return {read_by_class(json.at("probabilities")), json.at("label")};
}

const char* name_of(const TileDetails& /*details*/) { return "tile"; }
Json written(const TileDetails& d) {
  Json json = {{"filter", d.filter}};
  if (d.stains) json["stains"] = {{"vectors", d.stains->vectors}, {"high", d.stains->high}};
  if (d.decoded_by_nvimgcodec) json["decoded_by_nvimgcodec"] = *d.decoded_by_nvimgcodec;
  if (d.read_by_kvikio) json["read_by_kvikio"] = *d.read_by_kvikio;
  json["decoded_tiles"] = d.decoded_tiles;
  json["device"] = d.device;
  if (d.kvikio_mode) json["kvikio_mode"] = *d.kvikio_mode;
  return json;
}
TileDetails read_tile(const Json& json) {
  TileDetails d{.filter = json.at("filter"),
                .decoded_by_nvimgcodec = find_count(json, "decoded_by_nvimgcodec"),
                .read_by_kvikio = find_count(json, "read_by_kvikio"),
                .decoded_tiles = read_count(json, "decoded_tiles"),
                .device = json.at("device")};
  if (json.contains("kvikio_mode")) d.kvikio_mode = json["kvikio_mode"].get<std::string>();
  if (json.contains("stains")) {
    const Json& stains = json["stains"];
    d.stains = {stains.at("vectors").get<std::array<std::array<double, 3>, 2>>(),
                stains.at("high").get<std::array<double, 2>>()};
  }
  return d;
}

const char* name_of(const ScoreDetails& /*details*/) { return "scores"; }
Json written(const ScoreDetails& d) {
  Json pixels = Json::array();
  for (const ClassPixels& c : d.pixels) {
    pixels.push_back({{"true_positive", c.true_positive},
                      {"false_positive", c.false_positive},
                      {"false_negative", c.false_negative}});
  }
  Json json = {{"dice", d.dice ? Json(*d.dice) : Json()}, {"pixels", pixels}};
  if (d.decoded_by_nvimgcodec) json["decoded_by_nvimgcodec"] = *d.decoded_by_nvimgcodec;
  return json;
}
ScoreDetails read_scores(const Json& json) {
  ScoreDetails d;
  if (!json.at("dice").is_null()) d.dice = json["dice"].get<double>();
  for (const Json& c : json.at("pixels")) {
    d.pixels.push_back({read_count(c, "true_positive"), read_count(c, "false_positive"),
                        read_count(c, "false_negative")});
  }
  d.decoded_by_nvimgcodec = find_count(json, "decoded_by_nvimgcodec");
  return d;
}

}  // namespace

Json to_json(const SlideDetails& details) {
  return std::visit([](const auto& d) { return written(d); }, details);
}

Json to_record(const SlideDetails& details) {
  return std::visit(
      [](const auto& d) {
        Json json = Json::object();
        json[name_of(d)] = written(d);
        return json;
      },
      details);
}

SlideDetails slide_details(const Json& record) {
  if (record.contains("none")) return NoDetails{};
  if (record.contains("label")) return read_label(record["label"]);
  if (record.contains("mask")) return read_mask(record["mask"]);
  if (record.contains("class")) return read_class(record["class"]);
  if (record.contains("tile")) return read_tile(record["tile"]);
  if (record.contains("scores")) return read_scores(record["scores"]);
  throw DataError("its details are of no kind that is known");
}

}  // namespace untiled
