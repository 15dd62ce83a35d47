// The command line's way to give an image size.
#pragma once

#include <string>

#include "lib/core/region.h"

namespace untiled {

/// "ROWSxCOLUMNS", both at least 1 and no more than any slide has. Throws ConfigError.
Extent parse_size(const std::string& text);

}  // namespace untiled
