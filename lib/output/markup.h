// Text in HTML and XML.
#pragma once

#include <string>

namespace untiled {

/// For elements and quoted attributes.
std::string escape_markup(const std::string& text);

}  // namespace untiled
