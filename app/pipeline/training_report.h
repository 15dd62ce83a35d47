// curves.png and report.html of a training run, for people.
#pragma once

#include "lib/train/run_folder.h"

namespace untiled {

/// Makes both from the run folder's own files (metrics.csv, timings.csv, settings.yaml,
/// provenance.json, previews): loss, Dice and learning rate over steps, previews over time, seconds
/// by part, settings. The page needs no other file and no network. Throws DataError.
void write_training_report(const RunFolder& folder);

}  // namespace untiled
