#include "app/config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "app/config/consistency.h"
#include "app/config/fields.h"
#include "app/config/yaml_text.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

Settings initial_settings() {
  Settings settings;
  settings.run.folder = fs::absolute(settings.run.folder);
  return settings;
}

std::string read_yaml(const fs::path& yaml) {
  try {
    return read_file(yaml);
  } catch (const DataError& error) {
    throw ConfigError(error.what());
  }
}

std::vector<Value> apply_file(const fs::path& yaml, Settings& settings) {
  const auto source = std::make_shared<const ValueSource>(
      ValueSource{yaml.string(), fs::absolute(yaml).parent_path(), true});
  const Value root(source, "", parse_yaml(read_yaml(yaml), yaml.string(), true));
  if (root.is_null()) return {};
  if (!root.is_map()) throw root.refused("groups of settings such as 'train:'");
  return apply(root, settings_fields(), settings);
}

/// Text that starts like a list, a group or a quotation is YAML; anything else is itself, so that
/// paths need no quotes.
YAML::Node override_value(const std::string& text, const std::string& name) {
  constexpr std::string_view kYamlStarts = "[{\"'";
  const bool is_yaml = !text.empty() && kYamlStarts.find(text.front()) != std::string_view::npos;
  return is_yaml ? parse_yaml(text, name, false) : YAML::Node(text);
}

std::vector<Value> apply_override(const std::string& text, Settings& settings) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw ConfigError(fmt::format("--set {}: expected KEY=VALUE, such as train.steps=10", text));
  }
  const std::string name = "--set " + text;
  const auto source =
      std::make_shared<const ValueSource>(ValueSource{name, fs::current_path(), false});
  YAML::Node entry;
  entry[text.substr(0, equals)] = override_value(text.substr(equals + 1), name);
  return apply(Value(source, "", entry), settings_fields(), settings);
}

/// Where `key` was set last, else where the settings come from.
std::string place_of(const std::string& key, const std::vector<Value>& given,
                     const std::string& otherwise) {
  const auto last = std::find_if(given.rbegin(), given.rend(),
                                 [&key](const Value& value) { return value.key() == key; });
  return last == given.rend() ? otherwise : last->place();
}

Settings finish(Settings settings, std::vector<Value> given, const std::string& name,
                const std::vector<std::string>& overrides) {
  for (const std::string& text : overrides) {
    const std::vector<Value> set = apply_override(text, settings);
    given.insert(given.end(), set.begin(), set.end());
  }
  if (const auto finding = find_inconsistency(settings)) {
    throw ConfigError(fmt::format("{}: {} {}", place_of(finding->key, given, name), finding->key,
                                  finding->message));
  }
  for (const std::string& key : settings_without_effect(settings)) {
    warn(fmt::format("{}: {} is of a ResNet and changes nothing with model.kind unet",
                     place_of(key, given, name), key));
  }
  return settings;
}

std::string dump(const YAML::Node& node) {
  YAML::Emitter emitter;
  emitter << node;
  return emitter.c_str();
}

YAML::Node descend(const YAML::Node& root, const std::string& section) {
  YAML::Node node = root;
  std::istringstream parts(section);
  for (std::string part; std::getline(parts, part, '.');) node.reset(node[part]);
  return node;
}

}  // namespace

Settings load_settings(const fs::path& yaml, const std::vector<std::string>& overrides) {
  Settings settings = initial_settings();
  std::vector<Value> given = apply_file(yaml, settings);
  return finish(std::move(settings), std::move(given), yaml.string(), overrides);
}

Settings default_settings(const std::vector<std::string>& overrides) {
  return finish(initial_settings(), {}, "settings", overrides);
}

std::string to_yaml(const Settings& settings) {
  YAML::Node root(YAML::NodeType::Map);
  for (const Field<Settings>& field : settings_fields()) {
    const size_t dot = field.key.rfind('.');
    const bool top = dot == std::string::npos;
    YAML::Node section = top ? root : descend(root, field.key.substr(0, dot));
    section[top ? field.key : field.key.substr(dot + 1)] = field.get(settings);
  }
  return dump(root) + "\n";
}

std::string describe_settings() {
  std::string text;
  const Settings defaults;
  for (const Field<Settings>& field : settings_fields()) {
    text += fmt::format("{}: {}\n    {}\n    {}\n", field.key, dump(field.get(defaults)),
                        field.help, field.type);
  }
  return text;
}

}  // namespace untiled
