// The settings of a run as its folder keeps them.
#pragma once

#include "app/config/settings.h"
#include "lib/train/resume_rules.h"

namespace untiled {

/// With run.deidentify without any name of a file: names identify patients. JSON is UTF-8, file
/// names need not be; so the values are made so.
RecordedSettings recorded(const Settings& settings);

}  // namespace untiled
