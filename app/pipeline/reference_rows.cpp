#include "app/pipeline/reference_rows.h"

#include <fmt/format.h>

#include "data/cohort/manifest.h"
#include "data/cohort/slide_ids.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

Split split_of(const std::string& name) {
  if (name == "val") return Split::kValidation;
  return name == "test" ? Split::kTest : Split::kTraining;
}

void note_left_out(const std::filesystem::path& manifest, ReferenceKind kind, size_t rows) {
  if (rows == 0) return;
  const char* const column = kind == ReferenceKind::kMask ? "mask" : "label";
  note(fmt::format("{}: left out {} row{} with nothing in the column {}", manifest.string(), rows,
                   rows == 1 ? "" : "s", column));
}

}  // namespace

ReferenceRows reference_rows(const std::filesystem::path& manifest, ReferenceKind kind,
                             const std::string& split) {
  const std::vector<CohortEntry> entries = read_manifest(manifest, MissingSlides::kKeep);
  const std::vector<std::string> ids = entry_ids(entries);
  ReferenceRows rows;
  size_t without = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!split.empty() && entries[i].split != split_of(split)) continue;
    const bool has_reference =
        kind == ReferenceKind::kMask ? !entries[i].mask.empty() : !entries[i].label.empty();
    if (!has_reference) {
      ++without;
      continue;
    }
    rows.entries.push_back(entries[i]);
    rows.ids.push_back(ids[i]);
  }
  if (!rows.entries.empty()) {
    note_left_out(manifest, kind, without);
    return rows;
  }
  const std::string of_split = split.empty() ? "" : " of split " + split;
  throw ConfigError(kind == ReferenceKind::kMask
                        ? fmt::format("{}: no row{} names a reference in its column mask",
                                      manifest.string(), of_split)
                        : fmt::format("{}: no row{} names a class in its column label",
                                      manifest.string(), of_split));
}

}  // namespace untiled
