// The safetensors file format (https://github.com/huggingface/safetensors): a little-endian uint64
// with the header's length, a JSON header, then the tensors' bytes without gaps.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "lib/streaming/parameters.h"

namespace untiled {

/// The header's `__metadata__`.
using Metadata = std::map<std::string, std::string>;

struct SafetensorsFile {
  NamedTensors tensors;  ///< On the CPU, in the order of their bytes in the file.
  Metadata metadata;
};

/// Writes tensors of floats of 16, 32 and 64 bits, int64 and uint8, of any shape and device, sorted
/// by falling element size and then by name, so that equal content gives equal bytes. The file
/// appears whole or not at all. Throws DataError when it cannot be written.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const Metadata& metadata = {});

/// Reads a whole file; tensors take what it has. Throws DataError for what the format forbids, such
/// as offsets that overlap or disagree with a shape, and for a header above 16 MiB or nested
/// deeply.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

}  // namespace untiled
