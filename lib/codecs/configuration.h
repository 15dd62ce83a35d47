// What stands in a codec's configuration, checked.
#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace untiled {

/// Throws DataError unless `configuration` is an object whose keys are all among `known`.
void require_known_keys(std::string_view codec, const nlohmann::json& configuration,
                        std::initializer_list<std::string_view> known);

/// The integer of a key, or `otherwise` where it is not there. Throws DataError for anything else
/// than an integer from `least` to `most`.
int integer_of(std::string_view codec, const nlohmann::json& configuration, const char* key,
               int least, int most, int otherwise);

bool flag_of(std::string_view codec, const nlohmann::json& configuration, const char* key,
             bool otherwise);

std::string text_of(std::string_view codec, const nlohmann::json& configuration, const char* key,
                    const char* otherwise);

}  // namespace untiled
