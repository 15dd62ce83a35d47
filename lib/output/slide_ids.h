// Names of a batch's outputs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace untiled {

/// One id a slide, in their order: its full file name ("CMU-1.svs"), and where several slides of
/// the batch share that, with a short hash of the absolute path ("CMU-1.svs-5f3a09c1"). Letters'
/// case does not tell names apart, as on many file systems. The hash is the same on every machine.
std::vector<std::string> slide_ids(const std::vector<std::filesystem::path>& slides);

}  // namespace untiled
