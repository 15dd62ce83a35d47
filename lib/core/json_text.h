// JSON from foreign hands and for them: nesting is bounded before anything recurses, and what is
// written holds no character that a terminal or a page obeys.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lib/core/error.h"

namespace untiled {

/// What a JSON text holds, counted without parsing it; brackets in strings do not count.
struct JsonShape {
  int64_t depth = 0;   ///< Lists and objects inside one another.
  int64_t values = 0;  ///< At most: a text that is no JSON may have fewer.
};
JsonShape json_shape(std::string_view text);

/// The deepest nesting that is parsed; what people and programs write has about ten levels.
inline constexpr int64_t kMostJsonLevels = 100;

/// Throws DataError when a text is nested more deeply: parsers, copies and destructors recurse.
void require_shallow_json(std::string_view text);

/// The one way in which JSON is parsed here. Throws DataError saying where the text is no JSON or
/// that it is nested too deeply; the message names no file.
template <typename Json>
Json parse_json(std::string_view text) {
  require_shallow_json(text);
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const typename Json::parse_error& error) {
    throw DataError("is not JSON: an error at byte " + std::to_string(error.byte));
  } catch (const typename Json::exception& error) {
    throw DataError(std::string("cannot be read as JSON: ") + error.what());
  }
}

/// JSON text, on one line unless `indent` is given. Bytes that are no UTF-8 become U+FFFD, control
/// and direction characters are escaped.
std::string json_text(const nlohmann::ordered_json& json, int indent = -1);

}  // namespace untiled
