// Tissue masks of a batch's slides, with a picture of each to look at.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/batch/run_batch.h"
#include "app/config/settings.h"
#include "lib/output/slide_outputs.h"

namespace untiled {

/// What is done with every slide.
struct LabelWork {
  Settings settings;
  OutputOptions output;
  std::optional<int> level;  ///< Pyramid level of the masks, instead of settings.labels.mpp.
  std::string method;        ///< What records call it.
};

/// Its files are written, and what was found is reported. Throws ConfigError, DataError,
/// Interrupted.
SlideResult label_slide(const LabelWork& work, SlideTask task);

/// Labels are of whole slides, however many regions a manifest has of one.
void keep_whole_slides(std::vector<CohortEntry>& slides);

}  // namespace untiled
