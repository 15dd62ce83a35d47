#include "data/cohort/cohort.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "data/cohort/glob.h"
#include "data/cohort/manifest.h"
#include "data/cohort/slide_identity.h"
#include "data/cohort/slide_list.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

std::vector<CohortEntry> from_patterns(const std::vector<std::string>& patterns, Split split) {
  std::vector<CohortEntry> entries;
  for (const auto& file : expand(patterns)) {
    CohortEntry& entry = entries.emplace_back();
    entry.path = file;
    entry.split = split;
  }
  leave_out_other_files(entries);
  return entries;
}

std::vector<CohortEntry> of_split(const std::vector<CohortEntry>& entries, Split split) {
  std::vector<CohortEntry> chosen;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(chosen),
               [split](const CohortEntry& entry) { return entry.split == split; });
  return chosen;
}

/// One warning for all slides of `data.validation` that are trained on as well; a manifest tells of
/// its own rows.
void warn_of_shared_slides(const std::vector<CohortEntry>& training,
                           const std::vector<CohortEntry>& validation) {
  if (validation.empty()) return;
  std::set<std::string> trained;
  for (const CohortEntry& entry : training) trained.insert(slide_identity(entry.path));
  std::vector<CohortEntry> shared;
  std::copy_if(
      validation.begin(), validation.end(), std::back_inserter(shared),
      [&](const CohortEntry& entry) { return trained.contains(slide_identity(entry.path)); });
  if (shared.empty()) return;
  warn(fmt::format("{} is both a training and a validation slide{}", shared.front().path.string(),
                   shared.size() == 1 ? "" : fmt::format("; {} slides are", shared.size())));
}

}  // namespace

Cohort load_cohort(const CohortSettings& settings) {
  Cohort cohort;
  if (settings.manifest.empty()) {
    cohort.training = from_patterns(settings.slides, Split::kTraining);
  } else {
    const std::vector<CohortEntry> entries = read_manifest(settings.manifest);
    cohort.training = of_split(entries, Split::kTraining);
    cohort.validation = of_split(entries, Split::kValidation);
  }
  if (cohort.training.empty()) {
    throw ConfigError(
        settings.manifest.empty()
            ? "no training slides; set data.slides or data.manifest"
            : fmt::format("{}: no row is of split train", settings.manifest.string()));
  }
  const auto more = from_patterns(settings.validation, Split::kValidation);
  warn_of_shared_slides(cohort.training, more);
  cohort.validation.insert(cohort.validation.end(), more.begin(), more.end());
  return cohort;
}

}  // namespace untiled
