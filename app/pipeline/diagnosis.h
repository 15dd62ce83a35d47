// What this program consists of, what it may use here, and what to repair.
#pragma once

#include <string>
#include <vector>

#include "app/config/settings.h"

namespace untiled {

struct Finding {
  std::string subject;
  std::string state;   ///< What was found.
  std::string remedy;  ///< What to do; empty: nothing, all is well.
};

using Findings = std::vector<Finding>;

/// Libraries, devices, the limits of this process, and the folders of settings.run.
Findings diagnose(const Settings& settings);

}  // namespace untiled
