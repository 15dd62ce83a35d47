#include "lib/core/json_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/printable.h"

namespace untiled {

JsonShape json_shape(std::string_view text) {
  JsonShape shape{.depth = 0, .values = 1};
  int64_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      shape.depth = std::max(shape.depth, ++depth);
      ++shape.values;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',') {
      ++shape.values;
    }
  }
  return shape;
}

void require_shallow_json(std::string_view text) {
  const int64_t depth = json_shape(text).depth;
  if (depth <= kMostJsonLevels) return;
  throw DataError(fmt::format("is JSON of {} levels inside one another, and at most {} are read",
                              depth, kMostJsonLevels));
}

std::string json_text(const nlohmann::ordered_json& json, int indent) {
  const std::string dumped =
      json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string text;
  text.reserve(dumped.size());
  for (std::string_view rest = dumped; !rest.empty();) {
    const Character next = first_character(rest);
    const bool escapes = next.is_control && next.code > 0x1F;  // The others are escaped or layout.
    text += escapes ? fmt::format("\\u{:04x}", next.code) : rest.substr(0, next.length);
    rest.remove_prefix(next.length);
  }
  return text;
}

}  // namespace untiled
