// What checkpoints claim: metadata as the lines of a text, key and value apart by a tabulator.
#include "lib/train/checkpoint.h"

#include "lib/train/classifier_checkpoint.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

namespace {

Metadata metadata_in(std::string_view text) {
  Metadata metadata;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t tab = line.find('\t');
    if (tab == std::string_view::npos) continue;
    metadata[std::string(line.substr(0, tab))] = line.substr(tab + 1);
  }
  return metadata;
}

}  // namespace

UNTILED_FUZZ_TARGET({
  const Metadata metadata = metadata_in(as_text(bytes));
  refusing([&] { checkpoint_info(metadata); });
  classifier_info(metadata);
})
