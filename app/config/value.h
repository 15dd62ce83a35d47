// A YAML node that knows where it stands, so that every refusal names file, line and key.
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/error.h"

namespace untiled {

/// What a value was read from.
struct ValueSource {
  std::string name;              ///< "configs/demo.yaml" or "--set train.steps=x".
  std::filesystem::path folder;  ///< Paths are relative to it.
  bool has_lines = true;
};

class Value {
 public:
  /// `line` counts from 1; 0 takes the node's own.
  Value(std::shared_ptr<const ValueSource> source, std::string key, const YAML::Node& node,
        int line = 0);

  /// The full name: "train.steps", "data.classes[1].color".
  const std::string& key() const { return key_; }
  const std::filesystem::path& folder() const { return source_->folder; }
  /// "configs/demo.yaml:12".
  std::string place() const;

  bool is_null() const { return !node_.IsDefined() || node_.IsNull(); }
  bool is_list() const { return node_.IsSequence(); }
  bool is_map() const { return node_.IsMap(); }
  /// The text of a scalar; none for lists, maps and nothing.
  std::optional<std::string> text() const;
  /// The items of a list.
  std::vector<Value> items() const;
  /// The entries of a map in the order of the file; each knows its key's line.
  std::vector<Value> entries() const;

  /// "configs/demo.yaml:12: train.steps MESSAGE".
  ConfigError error(std::string_view message) const;
  /// "configs/demo.yaml:12: train.steps: expected EXPECTED, found 'many'".
  ConfigError refused(std::string_view expected) const;

 private:
  std::string found() const;

  std::shared_ptr<const ValueSource> source_;
  std::string key_;
  YAML::Node node_;
  int line_;
};

}  // namespace untiled
