// Names of a batch's outputs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/cohort/cohort.h"

namespace untiled {

struct SlideInfo;

/// One id a slide, in their order: its full file name ("CMU-1.svs"), and where several slides of
/// the batch share that, with a short hash of the absolute path ("CMU-1.svs-5f3a09c1"). Letters'
/// case does not tell names apart, as on many file systems. The hash is the same on every machine.
/// A name of more than 170 bytes is cut, with a hash of all of it: outputs have longer names, and
/// file systems take 255 bytes.
std::vector<std::string> slide_ids(const std::vector<std::filesystem::path>& slides);

/// The same for entries; several regions of one slide get their places, see region_suffix.
std::vector<std::string> entry_ids(const std::vector<CohortEntry>& entries);

/// "-x10y20w300h400" of a region.
std::string region_suffix(const Region& region);

/// What an entry is called where its name may identify somebody: by a hash of its slide's
/// fingerprint, and its region. Throws DataError where the slide's files cannot be read.
std::string anonymous_entry_id(const CohortEntry& entry, const SlideInfo& info);

/// Adds their regions' places to the ids that occur several times.
std::vector<std::string> tell_regions_apart(std::vector<std::string> ids,
                                            const std::vector<CohortEntry>& entries);

}  // namespace untiled
