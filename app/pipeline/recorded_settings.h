// The settings and slides of a run as its folder keeps them.
#pragma once

#include <vector>

#include "app/config/settings.h"
#include "app/pipeline/slide_set.h"
#include "lib/train/resume_rules.h"
#include "lib/train/run_folder.h"

namespace untiled {

/// With run.deidentify without any name of a file: names identify patients. JSON is UTF-8, file
/// names need not be; so the values are made so.
RecordedSettings recorded(const Settings& settings);

/// Those for training first.
std::vector<SlideRecord> recorded(const SlideSets& slides);

}  // namespace untiled
