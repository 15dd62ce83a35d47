#include "lib/train/classifier_checkpoint.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "lib/core/error.h"
#include "lib/core/json_text.h"
#include "lib/train/check_sum.h"
#include "lib/train/checkpoint_claims.h"
#include "lib/train/checkpoint_stains.h"

namespace untiled {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "untiled classifier 1";

const char* name_of_norm(NormKind norm) {
  switch (norm) {
    case NormKind::kBatch:
      return "batch";
    case NormKind::kFrozen:
      return "frozen";
    case NormKind::kNone:
      break;
  }
  return "none";
}

NormKind norm_named(const std::string& name) {
  for (const NormKind norm : {NormKind::kBatch, NormKind::kFrozen, NormKind::kNone}) {
    if (name == name_of_norm(norm)) return norm;
  }
  throw DataError(fmt::format("its norm is '{}', expected batch, frozen or none", name));
}

json facts_of(const ClassifierInfo& info) {
  json facts = {{"depth", info.model.depth},
                {"width", info.model.width},
                {"first_stride", info.model.first_stride},
                {"norm", name_of_norm(info.model.norm)},
                {"loss", info.loss == LossKind::kBce ? "bce" : "cross_entropy"},
                {"labels", info.labels},
                {"training_mpp", info.training_mpp ? json(*info.training_mpp) : json()},
                {"training_level", info.training_level},
                {"step", info.step},
                {"version", info.version}};
  if (info.stains) facts["stain"] = stains_to_json(*info.stains);
  return facts;
}

/// Ranges are checked later; what is no such number would be wrapped into one before.
template <typename Number>
Number whole(const json& facts, const char* key) {
  const json& value = facts.at(key);
  const bool fits = value.is_number_integer() && value >= std::numeric_limits<Number>::min() &&
                    value <= std::numeric_limits<Number>::max();
  if (!fits) throw DataError(fmt::format("its {} is {}, no whole number", key, value.dump()));
  return value.get<Number>();
}

LossKind loss_named(const std::string& name) {
  if (name == "bce") return LossKind::kBce;
  if (name == "cross_entropy") return LossKind::kCrossEntropy;
  throw DataError(fmt::format("its loss is '{}', expected bce or cross_entropy", name));
}

ClassifierInfo info_of(const json& facts) {
  ClassifierInfo info;
  info.model.kind = ModelKind::kResnet;
  info.model.depth = whole<int>(facts, "depth");
  info.model.width = whole<int>(facts, "width");
  info.model.first_stride = whole<int>(facts, "first_stride");
  info.model.norm = norm_named(facts.at("norm").get<std::string>());
  info.loss = loss_named(facts.at("loss").get<std::string>());
  info.labels = facts.at("labels").get<std::vector<std::string>>();
  if (!facts.at("training_mpp").is_null()) {
    info.training_mpp = facts.at("training_mpp").get<double>();
  }
  info.training_level = whole<int>(facts, "training_level");
  if (facts.contains("stain")) info.stains = stains_from_json(facts["stain"]);
  info.step = whole<int64_t>(facts, "step");
  info.version = facts.at("version").get<std::string>();
  return info;
}

bool has_format(const Metadata& metadata) {
  const auto format = metadata.find("format");
  return format != metadata.end() && format->second == kFormat && metadata.contains("facts");
}

}  // namespace

Metadata to_metadata(const ClassifierInfo& info) {
  return {{"format", kFormat}, {"facts", facts_of(info).dump()}};
}

ClassifierInfo classifier_info(const Metadata& metadata) {
  if (!has_format(metadata)) {
    throw DataError(fmt::format("its metadata lack \"format\": \"{}\"", kFormat));
  }
  try {
    ClassifierInfo info = info_of(parse_json<json>(metadata.at("facts")));
    require_sound_claims(info);
    return info;
  } catch (const json::exception& problem) {
    throw DataError(fmt::format("its metadata cannot be understood ({})", problem.what()));
  }
}

void save_classifier(const std::filesystem::path& path, const NamedTensors& tensors,
                     const ClassifierInfo& info) {
  write_safetensors(path, tensors, with_check_sum(tensors, to_metadata(info)));
}

ClassifierCheckpoint load_classifier(const std::filesystem::path& path) {
  SafetensorsFile file = read_safetensors(path);
  try {
    ClassifierInfo info = classifier_info(file.metadata);
    require_check_sum(file);
    return {std::move(info), std::move(file.tensors)};
  } catch (const DataError& problem) {
    throw DataError(
        fmt::format("{} is not a classifier of untiled: {}; give the last.safetensors "
                    "or best.safetensors of a run folder",
                    path.string(), problem.what()));
  }
}

bool is_classifier(const std::filesystem::path& path) {
  return has_format(read_safetensors(path).metadata);
}

}  // namespace untiled
