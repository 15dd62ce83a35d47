#include "lib/train/classifier_checkpoint.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lib/core/error.h"
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

ClassifierInfo info_of(const json& facts) {
  ClassifierInfo info;
  info.model.kind = ModelKind::kResnet;
  info.model.depth = facts.at("depth").get<int>();
  info.model.width = facts.at("width").get<int>();
  info.model.first_stride = facts.at("first_stride").get<int>();
  info.model.norm = norm_named(facts.at("norm").get<std::string>());
  info.loss = facts.at("loss") == "bce" ? LossKind::kBce : LossKind::kCrossEntropy;
  info.labels = facts.at("labels").get<std::vector<std::string>>();
  if (!facts.at("training_mpp").is_null()) {
    info.training_mpp = facts.at("training_mpp").get<double>();
  }
  info.training_level = facts.at("training_level").get<int>();
  if (facts.contains("stain")) info.stains = stains_from_json(facts["stain"]);
  info.step = facts.at("step").get<int64_t>();
  info.version = facts.at("version").get<std::string>();
  return info;
}

bool has_format(const Metadata& metadata) {
  const auto format = metadata.find("format");
  return format != metadata.end() && format->second == kFormat && metadata.contains("facts");
}

}  // namespace

void save_classifier(const std::filesystem::path& path, const NamedTensors& tensors,
                     const ClassifierInfo& info) {
  write_safetensors(path, tensors, {{"format", kFormat}, {"facts", facts_of(info).dump()}});
}

ClassifierCheckpoint load_classifier(const std::filesystem::path& path) {
  SafetensorsFile file = read_safetensors(path);
  try {
    if (!has_format(file.metadata)) {
      throw DataError(fmt::format("its metadata lack \"format\": \"{}\"", kFormat));
    }
    return {info_of(json::parse(file.metadata.at("facts"))), std::move(file.tensors)};
  } catch (const std::exception& problem) {
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
