// Whole numbers in JSON from foreign hands: what the parser made a float of, or what does not fit,
// must not be converted, for that is undefined.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lib/core/error.h"

namespace untiled {

/// `value`, which `name` describes, from `least` to `most`. Throws DataError.
template <typename Json>
int64_t whole_number(std::string_view name, const Json& value, int64_t least, int64_t most) {
  const bool is_large = value.is_number_unsigned() &&
                        value.template get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  if (value.is_number_integer() && !is_large) {
    const auto number = value.template get<int64_t>();
    if (number >= least && number <= most) return number;
  }
  throw DataError("its " + std::string(name) + " is no whole number from " + std::to_string(least) +
                  " to " + std::to_string(most));
}

}  // namespace untiled
