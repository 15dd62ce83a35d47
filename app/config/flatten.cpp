#include "app/config/flatten.h"

#include <yaml-cpp/yaml.h>

#include "app/config/fields.h"

namespace untiled {
namespace {

std::string one_line(const YAML::Node& node) {
  YAML::Emitter emitter;
  emitter.SetSeqFormat(YAML::Flow);
  emitter.SetMapFormat(YAML::Flow);
  emitter << node;
  return emitter.c_str();
}

}  // namespace

std::map<std::string, std::string> flatten(const Settings& settings) {
  std::map<std::string, std::string> flat;
  for (const Field<Settings>& field : settings_fields()) {
    flat[field.key] = one_line(field.get(settings));
  }
  return flat;
}

}  // namespace untiled
