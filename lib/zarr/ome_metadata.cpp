#include "lib/zarr/ome_metadata.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lib/core/atomic_file.h"
#include "lib/core/printable.h"

namespace untiled {
namespace {

using Json = nlohmann::json;

Json axes_json(const std::vector<OmeAxis>& axes) {
  Json list = Json::array();
  for (const OmeAxis& axis : axes) {
    Json item = {{"name", axis.name}};
    if (!axis.type.empty()) item["type"] = axis.type;
    if (!axis.unit.empty()) item["unit"] = axis.unit;
    list.push_back(std::move(item));
  }
  return list;
}

Json datasets_json(const std::vector<OmeDataset>& datasets) {
  Json list = Json::array();
  for (const OmeDataset& dataset : datasets) {
    Json steps = Json::array({{{"type", "scale"}, {"scale", dataset.scale}}});
    if (!dataset.translation.empty()) {
      steps.push_back({{"type", "translation"}, {"translation", dataset.translation}});
    }
    list.push_back({{"path", dataset.path}, {"coordinateTransformations", std::move(steps)}});
  }
  return list;
}

/// 0.4 says its version in each part; 0.5 once.
void add_version(const OmeMetadata& metadata, Json& part) {
  if (metadata.version == OmeVersion::k04) part["version"] = to_string(metadata.version);
}

Json multiscales_json(const OmeMetadata& metadata) {
  Json image = {{"name", printable(metadata.name)},
                {"axes", axes_json(metadata.axes)},
                {"datasets", datasets_json(metadata.datasets)}};
  if (!metadata.method.empty()) {
    image["type"] = metadata.method;
    const char* const words = metadata.method == "mean"
                                  ? "the mean of 2 x 2 elements, the last row or column of an odd "
                                    "size twice"
                                  : "the value that most of 2 x 2 elements have, the first of "
                                    "several";
    image["metadata"] = {{"description", words}};
  }
  add_version(metadata, image);
  return Json::array({std::move(image)});
}

Json omero_json(const OmeMetadata& metadata) {
  Json channels = Json::array();
  for (const OmeZarrChannel& channel : metadata.channels) {
    channels.push_back({{"label", printable(channel.label)},
                        {"color", fmt::format("{:02X}{:02X}{:02X}", channel.color[0],
                                              channel.color[1], channel.color[2])},
                        {"active", true},
                        {"window",
                         {{"min", channel.least},
                          {"max", channel.most},
                          {"start", channel.least},
                          {"end", channel.most}}}});
  }
  Json omero = {{"channels", std::move(channels)}, {"rdefs", {{"model", "color"}}}};
  add_version(metadata, omero);
  return omero;
}

Json labels_json(const OmeMetadata& metadata) {
  Json colors = Json::array();
  Json properties = Json::array();
  for (const OmeLabelValue& value : metadata.labels->values) {
    colors.push_back({{"label-value", value.value}, {"rgba", value.rgba}});
    properties.push_back({{"label-value", value.value}, {"class", printable(value.name)}});
  }
  Json labels = {{"version", to_string(metadata.version)},
                 {"colors", std::move(colors)},
                 {"properties", std::move(properties)}};
  if (metadata.labels->of_image) labels["source"] = {{"image", "../../"}};
  return labels;
}

void write_group(const std::filesystem::path& folder, OmeVersion version, Json attributes) {
  const auto write = [&](const char* name, const Json& content) {
    write_file(folder / name, content.dump(2) + "\n");
  };
  if (version == OmeVersion::k04) {
    write(".zattrs", attributes);
    write(".zgroup", {{"zarr_format", 2}});
    return;
  }
  attributes["version"] = to_string(version);
  write("zarr.json", {{"zarr_format", 3},
                      {"node_type", "group"},
                      {"attributes", {{"ome", std::move(attributes)}}}});
}

}  // namespace

ZarrFormat zarr_format(OmeVersion version) {
  return version == OmeVersion::k04 ? ZarrFormat::kV2 : ZarrFormat::kV3;
}

std::string to_string(OmeVersion version) { return version == OmeVersion::k04 ? "0.4" : "0.5"; }

void write_image_group(const std::filesystem::path& folder, const OmeMetadata& metadata) {
  Json attributes = {{"multiscales", multiscales_json(metadata)}};
  if (!metadata.channels.empty()) attributes["omero"] = omero_json(metadata);
  if (metadata.labels) attributes["image-label"] = labels_json(metadata);
  write_group(folder, metadata.version, std::move(attributes));
}

void write_labels_group(const std::filesystem::path& folder, OmeVersion version,
                        const std::vector<std::string>& names) {
  write_group(folder, version, {{"labels", names}});
}

}  // namespace untiled
