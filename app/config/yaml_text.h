// YAML text from foreign hands, parsed in one way everywhere.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

namespace untiled {

/// The one document of a YAML text; `name` stands in errors, with a line where it is a file's.
/// Throws ConfigError for text that is no YAML, that holds more than one document or does not end
/// where its document does, whose lists and groups are nested more than 32 levels deep, or that
/// stands, with its aliases (*name) written out, for more than 100,000 values.
YAML::Node parse_yaml(const std::string& text, const std::string& name, bool has_lines);

}  // namespace untiled
