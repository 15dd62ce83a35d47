// The slides of a batch: from files, folders, globs and manifests.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/cohort/cohort.h"

namespace untiled {

/// Endings of slide and image files, lower case, the likelier first.
bool is_slide_name(std::string_view file_name);

/// The slides that `inputs` name, in their order, each region of each slide once: a file; a glob; a
/// folder, which stands for its slides (files of a known ending and folders of DICOM files, sorted
/// by name, not those of its subfolders) unless it is a DICOM slide itself; a CSV, which is a
/// manifest. A note counts a folder's slides of formats that are not read. A file that is not there
/// stays in the list, so that it can fail on its own. What earlier runs wrote beside the slides is
/// left out of folders and globs. Throws ConfigError for a glob or folder without slides, DataError
/// for a bad manifest.
std::vector<CohortEntry> list_slides(const std::vector<std::string>& inputs);

/// Leaves one of the files of each DICOM slide in a list, the first, and notes the others: any of
/// them opens the slide, and it would count as often as it has levels.
void leave_out_other_files(std::vector<CohortEntry>& entries);

}  // namespace untiled
