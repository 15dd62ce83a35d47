// A rectangle on the command line.
#pragma once

#include <string>

#include "lib/core/region.h"

namespace untiled {

/// "X,Y,WIDTH,HEIGHT" in level-0 pixels. Throws ConfigError.
Region parse_region(const std::string& text);

}  // namespace untiled
