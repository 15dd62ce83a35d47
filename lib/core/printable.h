// Text for terminals, whatever files and their names hold.
#pragma once

#include <string>
#include <string_view>

namespace untiled {

/// One line of valid UTF-8: control characters and bytes that are none become '?'.
std::string printable(std::string_view text);

}  // namespace untiled
