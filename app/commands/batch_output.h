// What verbs print of a batch.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "app/batch/run_batch.h"

namespace untiled {

/// A line of a slide that is done or has failed.
void print_slide(const SlideReport& report);

/// One document: this process's slides, with what they took where that was measured, and how many
/// failed.
nlohmann::ordered_json to_json(const BatchOutcome& outcome);

}  // namespace untiled
