#include "lib/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
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
using nlohmann::ordered_json;

constexpr const char* kFormat = "untiled checkpoint 1";

ordered_json classes_to_json(const std::vector<ClassSettings>& classes) {
  ordered_json list = ordered_json::array();
  for (const ClassSettings& c : classes) {
    list.push_back(
        {{"name", c.name}, {"value", c.value}, {"color", c.color}, {"weight", c.weight}});
  }
  return list;
}

/// Ranges are checked later; what is no int would be wrapped into one before.
int whole(const json& value) {
  const bool fits = value.is_number_integer() && value >= std::numeric_limits<int>::min() &&
                    value <= std::numeric_limits<int>::max();
  if (!fits) throw DataError(fmt::format("{} in its metadata is no whole number", value.dump()));
  return value.get<int>();
}

std::vector<int> whole_list(const json& list) {
  if (!list.is_array()) throw DataError("its metadata lack a list of whole numbers");
  std::vector<int> numbers;
  for (const json& value : list) numbers.push_back(whole(value));
  return numbers;
}

std::vector<ClassSettings> classes_from_json(const json& list) {
  std::vector<ClassSettings> classes;
  for (const json& c : list) {
    const std::vector<int> color = whole_list(c.at("color"));
    if (color.size() != 3) throw DataError("a class's colour has not three numbers");
    classes.push_back({c.at("name").get<std::string>(),
                       whole(c.at("value")),
                       {color[0], color[1], color[2]},
                       c.value("weight", 1.0)});
  }
  return classes;
}

/// One value of the metadata; DataError when it is absent.
json field(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) throw DataError(fmt::format("its metadata lack \"{}\"", key));
  try {
    return parse_json<json>(found->second);
  } catch (const DataError& problem) {
    throw DataError(fmt::format("\"{}\" in its metadata {}", key, problem.what()));
  }
}

/// The stride that all levels share.
int common_stride(const std::vector<int>& strides, size_t levels) {
  const bool equal = !strides.empty() && strides.size() == levels &&
                     std::all_of(strides.begin(), strides.end(),
                                 [&](int stride) { return stride == strides.front(); });
  if (!equal) throw DataError("its strides are not one and the same number for each level");
  return strides.front();
}

ModelSettings model_from(const Metadata& metadata) {
  ModelSettings model;
  model.widths = whole_list(field(metadata, "widths"));
  const json kernels = field(metadata, "kernels");
  model.down_kernel = whole(kernels.at("down"));
  model.refine_kernel = whole(kernels.at("refine"));
  model.up_kernel = whole(kernels.at("up"));
  model.head_kernel = whole(kernels.at("head"));
  model.stride = common_stride(whole_list(field(metadata, "strides")), model.widths.size());
  return model;
}

CheckpointInfo parse_info(const Metadata& metadata) {
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != kFormat) {
    throw DataError(fmt::format("its metadata lack \"format\": \"{}\"", kFormat));
  }
  CheckpointInfo info;
  info.architecture = field(metadata, "architecture").get<std::string>();
  info.model = model_from(metadata);
  info.classes = classes_from_json(field(metadata, "classes"));
  if (info.classes.empty()) throw DataError("its list of classes is empty");
  const json mpp = field(metadata, "training_mpp");
  if (!mpp.is_null()) info.training_mpp = mpp.get<double>();
  info.training_level = whole(field(metadata, "training_level"));
  if (metadata.contains("stain")) info.stains = stains_from_json(field(metadata, "stain"));
  info.input_scaling = field(metadata, "input_scaling").get<double>();
  info.threshold = field(metadata, "threshold").get<double>();
  info.step = whole(field(metadata, "step"));
  info.version = field(metadata, "version").get<std::string>();
  return info;
}

}  // namespace

Metadata to_metadata(const CheckpointInfo& info) {
  const ModelSettings& model = info.model;
  const ordered_json kernels = {{"down", model.down_kernel},
                                {"refine", model.refine_kernel},
                                {"up", model.up_kernel},
                                {"head", model.head_kernel}};
  Metadata metadata = {
      {"format", kFormat},
      {"architecture", json(info.architecture).dump()},
      {"widths", json(model.widths).dump()},
      {"kernels", kernels.dump()},
      {"strides", json(std::vector<int>(model.widths.size(), model.stride)).dump()},
      {"classes", classes_to_json(info.classes).dump()},
      {"training_mpp", info.training_mpp ? json(*info.training_mpp).dump() : "null"},
      {"training_level", json(info.training_level).dump()},
      {"input_scaling", json(info.input_scaling).dump()},
      {"threshold", json(info.threshold).dump()},
      {"step", json(info.step).dump()},
      {"version", json(info.version).dump()}};
  if (info.stains) metadata["stain"] = stains_to_json(*info.stains).dump();
  return metadata;
}

CheckpointInfo checkpoint_info(const Metadata& metadata) {
  try {
    CheckpointInfo info = parse_info(metadata);
    require_sound_claims(info);
    return info;
  } catch (const json::exception& problem) {
    throw DataError(fmt::format("its metadata cannot be understood ({})", problem.what()));
  }
}

void save_checkpoint(const std::filesystem::path& path, const NamedTensors& parameters,
                     const CheckpointInfo& info) {
  write_safetensors(path, parameters, with_check_sum(parameters, to_metadata(info)));
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  SafetensorsFile file = read_safetensors(path);
  try {
    CheckpointInfo info = checkpoint_info(file.metadata);
    require_check_sum(file);
    return {std::move(info), std::move(file.tensors)};
  } catch (const DataError& problem) {
    throw DataError(fmt::format(
        "{} is not a checkpoint of untiled: {}; give the last.safetensors or best.safetensors of "
        "a run folder",
        path.string(), problem.what()));
  }
}

}  // namespace untiled
