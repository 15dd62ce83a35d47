// Options of how slides are made to look alike before a network sees them.
#pragma once

#include <optional>

#include "lib/filters/stains.h"

namespace untiled {

enum class StainMethod { kNone, kMacenko };

struct StainSettings {
  StainMethod method = StainMethod::kNone;
  /// What slides are made to look like; none: filters::kReferenceStains.
  std::optional<filters::Stains> reference;
};

}  // namespace untiled
