#include "lib/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/core/error.h"

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

std::vector<ClassSettings> classes_from_json(const json& list) {
  std::vector<ClassSettings> classes;
  for (const json& c : list) {
    classes.push_back({c.at("name").get<std::string>(), c.at("value").get<int>(),
                       c.at("color").get<std::array<int, 3>>(), c.value("weight", 1.0)});
  }
  return classes;
}

/// One value of the metadata; DataError when it is absent.
json field(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) throw DataError(fmt::format("its metadata lack \"{}\"", key));
  return json::parse(found->second);
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
  model.widths = field(metadata, "widths").get<std::vector<int>>();
  const json kernels = field(metadata, "kernels");
  model.down_kernel = kernels.at("down").get<int>();
  model.refine_kernel = kernels.at("refine").get<int>();
  model.up_kernel = kernels.at("up").get<int>();
  model.head_kernel = kernels.at("head").get<int>();
  model.stride =
      common_stride(field(metadata, "strides").get<std::vector<int>>(), model.widths.size());
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
  info.training_level = field(metadata, "training_level").get<int>();
  info.input_scaling = field(metadata, "input_scaling").get<double>();
  info.threshold = field(metadata, "threshold").get<double>();
  info.step = field(metadata, "step").get<int64_t>();
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
  return {{"format", kFormat},
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
}

CheckpointInfo checkpoint_info(const Metadata& metadata) {
  try {
    return parse_info(metadata);
  } catch (const json::exception& problem) {
    throw DataError(fmt::format("its metadata cannot be understood ({})", problem.what()));
  }
}

void save_checkpoint(const std::filesystem::path& path, const NamedTensors& parameters,
                     const CheckpointInfo& info) {
  write_safetensors(path, parameters, to_metadata(info));
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  SafetensorsFile file = read_safetensors(path);
  try {
    return {checkpoint_info(file.metadata), std::move(file.tensors)};
  } catch (const DataError& problem) {
    throw DataError(fmt::format(
        "{} is not a checkpoint of untiled: {}; give the last.safetensors or best.safetensors of "
        "a run folder",
        path.string(), problem.what()));
  }
}

}  // namespace untiled
