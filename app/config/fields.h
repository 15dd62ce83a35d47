// The one table of settings: key, type, sentence, reader and writer of each. Loading, dumping,
// --set, hints for misspelt keys and the list of settings all go through it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/config/settings.h"
#include "app/config/value.h"

namespace untiled {

template <typename Part>
struct Field {
  std::string key;   ///< "train.steps".
  std::string type;  ///< "a whole number from 1".
  std::string help;
  std::function<void(Part&, const Value&)> set;  ///< Throws ConfigError.
  std::function<YAML::Node(const Part&)> get;
};

/// In the order of the documentation.
const std::vector<Field<Settings>>& settings_fields();

/// Sets the fields that a group of settings names. Throws ConfigError for a key that is unknown or
/// given twice; returns where each key was set.
template <typename Part>
std::vector<Value> apply(const Value& group, const std::vector<Field<Part>>& fields, Part& part);

}  // namespace untiled
