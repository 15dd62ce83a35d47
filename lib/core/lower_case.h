// Names that are compared without their case.
#pragma once

#include <string>

namespace untiled {

/// ASCII letters only; the rest of UTF-8 stays.
inline std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace untiled
