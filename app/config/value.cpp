#include "app/config/value.h"

#include <fmt/format.h>

#include <utility>

namespace untiled {

Value::Value(std::shared_ptr<const ValueSource> source, std::string key, const YAML::Node& node,
             int line)
    : source_(std::move(source)),
      key_(std::move(key)),
      node_(node),
      line_(line > 0 ? line : node.Mark().line + 1) {}

std::string Value::place() const {
  return source_->has_lines && line_ > 0 ? fmt::format("{}:{}", source_->name, line_)
                                         : source_->name;
}

std::optional<std::string> Value::text() const {
  if (!node_.IsDefined() || !node_.IsScalar()) return std::nullopt;
  return node_.Scalar();
}

std::vector<Value> Value::items() const {
  std::vector<Value> values;
  for (const auto& item : node_) {
    values.emplace_back(source_, fmt::format("{}[{}]", key_, values.size()), item);
  }
  return values;
}

std::vector<Value> Value::entries() const {
  std::vector<Value> values;
  for (const auto& entry : node_) {
    const int line = entry.first.Mark().line + 1;
    if (!entry.first.IsScalar()) {
      throw Value(source_, key_, entry.first).refused("names of settings");
    }
    const std::string& name = entry.first.Scalar();
    values.emplace_back(source_, key_.empty() ? name : key_ + "." + name, entry.second, line);
  }
  return values;
}

ConfigError Value::error(std::string_view message) const {
  return ConfigError(fmt::format("{}: {}{}{}", place(), key_, key_.empty() ? "" : " ", message));
}

ConfigError Value::refused(std::string_view expected) const {
  return ConfigError(fmt::format("{}: {}{}expected {}, found {}", place(), key_,
                                 key_.empty() ? "" : ": ", expected, found()));
}

std::string Value::found() const {
  constexpr size_t kLongest = 60;
  if (is_null()) return "nothing";
  if (is_list()) return "a list";
  if (is_map()) return "a group of settings";
  const std::string& scalar = node_.Scalar();
  if (scalar.empty()) return "an empty text";
  return fmt::format("'{}{}'", scalar.substr(0, kLongest), scalar.size() > kLongest ? "..." : "");
}

}  // namespace untiled
