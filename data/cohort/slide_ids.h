// Names of a batch's outputs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/cohort/cohort.h"

namespace untiled {

/// One id a slide, in their order: its full file name ("CMU-1.svs"), and where several slides of
/// the batch share that, with a short hash of the absolute path ("CMU-1.svs-5f3a09c1"). Letters'
/// case does not tell names apart, as on many file systems. The hash is the same on every machine.
std::vector<std::string> slide_ids(const std::vector<std::filesystem::path>& slides);

/// The same for entries; several regions of one slide get their corners, "CMU-1.svs-x10y20".
std::vector<std::string> entry_ids(const std::vector<CohortEntry>& entries);

/// Adds their regions' corners to the ids that occur several times.
std::vector<std::string> tell_regions_apart(std::vector<std::string> ids,
                                            const std::vector<CohortEntry>& entries);

}  // namespace untiled
