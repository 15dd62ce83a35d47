// What to do about a slide that OpenSlide knows and refuses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace untiled {

/// What helps against OpenSlide's `reason`, to stand behind a colon. Nothing where the reason is
/// damage, or is not known.
std::optional<std::string> advice_for(std::string_view reason);

}  // namespace untiled
