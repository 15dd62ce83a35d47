#include "lib/zarr/json_text.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "lib/core/error.h"
#include "lib/core/json_text.h"
#include "lib/core/printable.h"

namespace untiled {
namespace {

using Json = nlohmann::json;

std::optional<int64_t> integer(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const bool too_large = value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX;
  return too_large ? std::nullopt : std::optional(value.get<int64_t>());
}

/// Whether a number stands bare, as Python writes it, that JSON does not have.
bool has_bare_number(std::string_view text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted &&
               (text.substr(i).starts_with("NaN") || text.substr(i).starts_with("Infinity"))) {
      return true;
    }
  }
  return false;
}

}  // namespace

Json parse_json(std::string_view text) {
  if (text.size() > kMostJsonBytes) {
    throw DataError(fmt::format("its {} bytes are more than the {} that metadata may have",
                                text.size(), kMostJsonBytes));
  }
  if (json_shape(text).depth > kMostJsonDepth) {
    throw DataError(fmt::format("it nests more than {} deep", kMostJsonDepth));
  }
  try {
    return parse_json<Json>(text);
  } catch (const DataError&) {
    if (!has_bare_number(text)) throw;
  }
  throw DataError(
      "it holds NaN or Infinity, which JSON does not have: write a number there, or leave it out");
}

std::string shown(const Json& value) {
  constexpr size_t kMost = 60;
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return printable(text.size() > kMost ? text.substr(0, kMost) + "..." : text);
}

void refuse(std::string_view what, const Json& found, std::string_view expected) {
  throw DataError(fmt::format("its {} is {} where {} is read", what, shown(found), expected));
}

const Json* find_member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

const Json& member(const Json& object, const char* key) {
  const Json* const found = find_member(object, key);
  if (found == nullptr) throw DataError(fmt::format("it says no {}", key));
  return *found;
}

std::string text_member(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_string()) refuse(key, value, "a text");
  return value.get<std::string>();
}

std::vector<int64_t> integers(std::string_view what, const Json& list, int64_t least, int64_t most,
                              size_t least_count, size_t most_count) {
  const std::string expected =
      least_count == most_count
          ? fmt::format("a list of {} integers from {} to {}", least_count, least, most)
          : fmt::format("a list of {} to {} integers from {} to {}", least_count, most_count, least,
                        most);
  const bool fits = list.is_array() && list.size() >= least_count && list.size() <= most_count;
  if (!fits) refuse(what, list, expected);
  std::vector<int64_t> values;
  for (const Json& item : list) {
    const auto value = integer(item);
    if (!value || *value < least || *value > most) refuse(what, list, expected);
    values.push_back(*value);
  }
  return values;
}

std::vector<double> numbers(std::string_view what, const Json& list) {
  if (!list.is_array()) refuse(what, list, "a list of numbers");
  std::vector<double> values;
  for (const Json& item : list) {
    if (!item.is_number() || !std::isfinite(item.get<double>())) {
      refuse(what, list, "a list of numbers");
    }
    values.push_back(item.get<double>());
  }
  return values;
}

}  // namespace untiled
