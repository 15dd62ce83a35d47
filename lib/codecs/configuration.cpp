#include "lib/codecs/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/core/error.h"
#include "lib/core/printable.h"

namespace untiled {
namespace {

constexpr size_t kMostShown = 60;

std::string shown(const nlohmann::json& value) {
  return printable(
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, kMostShown));
}

[[noreturn]] void refuse(std::string_view codec, const char* key, const nlohmann::json& found,
                         const std::string& expected) {
  throw DataError(fmt::format("the {} of its codec {} is {} where {} is read", key, codec,
                              shown(found), expected));
}

}  // namespace

void require_known_keys(std::string_view codec, const nlohmann::json& configuration,
                        std::initializer_list<std::string_view> known) {
  if (!configuration.is_object()) {
    throw DataError(fmt::format("the configuration of its codec {} is {} where an object belongs",
                                codec, shown(configuration)));
  }
  for (const auto& [key, value] : configuration.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    throw DataError(fmt::format("its codec {} has a setting {} that is not understood", codec,
                                printable(key.substr(0, kMostShown))));
  }
}

int integer_of(std::string_view codec, const nlohmann::json& configuration, const char* key,
               int least, int most, int otherwise) {
  const auto found = configuration.find(key);
  if (found == configuration.end()) return otherwise;
  const std::string expected = fmt::format("an integer from {} to {}", least, most);
  if (!found->is_number_integer()) refuse(codec, key, *found, expected);
  const bool too_large =
      found->is_number_unsigned() && found->get<uint64_t>() > static_cast<uint64_t>(most);
  const auto value = too_large ? int64_t{most} + 1 : found->get<int64_t>();
  if (value < least || value > most) refuse(codec, key, *found, expected);
  return static_cast<int>(value);
}

bool flag_of(std::string_view codec, const nlohmann::json& configuration, const char* key,
             bool otherwise) {
  const auto found = configuration.find(key);
  if (found == configuration.end()) return otherwise;
  if (!found->is_boolean()) refuse(codec, key, *found, "true or false");
  return found->get<bool>();
}

std::string text_of(std::string_view codec, const nlohmann::json& configuration, const char* key,
                    const char* otherwise) {
  const auto found = configuration.find(key);
  if (found == configuration.end()) return otherwise;
  if (!found->is_string()) refuse(codec, key, *found, "a text");
  return found->get<std::string>();
}

}  // namespace untiled
