#include "data/tissue/annotation_class.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "data/slide/number.h"
#include "lib/core/error.h"
#include "lib/core/json_text.h"

namespace untiled {
namespace {

using Json = nlohmann::json;

/// Words of Python for which JSON has others.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kPythonWords = {
    {{"None", "null"}, {"True", "true"}, {"False", "false"}}};

/// A string of Python that begins with the quote at `text`'s front, as JSON's; `text` goes on
/// behind it.
std::string taken_string(std::string_view& text) {
  const char quote = text.front();
  std::string json = "\"";
  size_t at = 1;
  for (; at < text.size() && text[at] != quote; ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      ++at;
      json += text[at] == '\'' ? "'" : std::string{'\\', text[at]};
    } else {
      json += text[at] == '"' ? "\\\"" : std::string{text[at]};
    }
  }
  text.remove_prefix(std::min(at + 1, text.size()));
  return json + "\"";
}

/// What Python shows of a dictionary, as JSON.
std::string json_of_python(std::string_view text) {
  std::string json;
  while (!text.empty()) {
    if (text.front() == '\'' || text.front() == '"') {
      json += taken_string(text);
      continue;
    }
    const auto* const word =
        std::find_if(kPythonWords.begin(), kPythonWords.end(),
                     [&](const auto& known) { return text.starts_with(known.first); });
    const size_t length = word == kPythonWords.end() ? 1 : word->first.size();
    json += word == kPythonWords.end() ? text.substr(0, 1) : word->second;
    text.remove_prefix(length);
  }
  return json;
}

std::optional<Json> object_of(const std::string& text) {
  try {
    auto object = parse_json<Json>(text);
    if (object.is_object()) return object;
  } catch (const DataError&) {  // Not JSON: another spelling, or a name.
  }
  return std::nullopt;
}

std::optional<std::string> class_of_object(const Json& object) {
  const auto name = object.find("name");
  if (name != object.end() && name->is_string()) return name->get<std::string>();
  const auto names = object.find("names");
  if (names == object.end() || !names->is_array()) return "";
  std::string joined;  // As QuPath shows derived classes.
  for (const Json& part : *names) {
    if (!part.is_string()) return std::nullopt;
    joined += (joined.empty() ? "" : ": ") + part.get<std::string>();
  }
  return joined;
}

std::optional<std::string> class_of_text(const std::string& text) {
  if (!text.starts_with('{')) return text;
  for (const std::string& candidate : {text, json_of_python(text)}) {
    if (const auto object = object_of(candidate)) return class_of_object(*object);
  }
  return text;
}

std::optional<std::string> class_of(const Json& classification) {
  if (classification.is_null()) return "";
  if (classification.is_string()) return class_of_text(classification.get<std::string>());
  if (!classification.is_object()) return std::nullopt;
  return class_of_object(classification);
}

}  // namespace

std::optional<std::string> annotation_class(const nlohmann::json& properties) {
  const auto found = properties.find("classification");
  auto name = found == properties.end() ? std::optional<std::string>("") : class_of(*found);
  if (name) name = trimmed(*name);
  return name;
}

}  // namespace untiled
