// Labels that are likely not what was meant, told to the user once.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/tissue/annotations.h"
#include "lib/core/region.h"

namespace untiled {

/// What is doubtful about a file's annotations on a slide of `extent` at level 0: objects that were
/// left out, areas outside the slide, no area at all. One sentence each, without the file's name.
std::vector<std::string> doubts_about(const Annotations& annotations, const Extent& extent);

/// Warns of each doubt about a file, of each file once: a run opens the labels of a slide each time
/// it comes to the slide. Any thread.
void warn_once(const std::filesystem::path& path, const std::vector<std::string>& doubts);

}  // namespace untiled
