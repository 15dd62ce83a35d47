// Why the work on a slide of a batch failed.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace untiled {

/// The code of failures for which the settings are to blame.
inline constexpr const char* kSettingsCode = "settings";

struct FailedWork {
  std::string code;    ///< Of reports.
  std::string reason;  ///< A sentence.
};

/// What went wrong in `work`, if anything did; a stop (Interrupted) passes.
std::optional<FailedWork> failure_in(const std::function<void()>& work);

}  // namespace untiled
