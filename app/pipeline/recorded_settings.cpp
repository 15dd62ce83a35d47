#include "app/pipeline/recorded_settings.h"

#include <string>

#include "app/config/flatten.h"
#include "app/config/load.h"
#include "data/slide/fingerprint.h"
#include "lib/core/printable.h"

namespace untiled {
namespace {

Settings without_names(Settings settings) {
  settings.data.cohort = {};
  settings.model.init.clear();
  settings.run.folder = RunSettings{}.folder;
  settings.run.scratch.clear();
  return settings;
}

}  // namespace

RecordedSettings recorded(const Settings& settings) {
  const Settings kept = settings.run.deidentify ? without_names(settings) : settings;
  RecordedSettings record{.values = flatten(kept), .yaml = to_yaml(kept)};
  for (auto& [key, value] : record.values) value = text_name(value);
  if (settings.run.deidentify) {
    record.withheld = {"data.slides", "data.validation", "data.manifest", "model.init"};
  }
  return record;
}

std::vector<SlideRecord> recorded(const SlideSets& slides) {
  std::vector<SlideRecord> records;
  const auto add = [&](const SlideInput& s, const std::string& split) {
    records.push_back({s.id, s.entry.path.string(), split, fingerprint(s.slide->slide()),
                       s.slide->extent(), s.slide->info().mpp_x});
  };
  for (const SlideInput& s : slides.training) add(s, "train");
  for (const SlideInput& s : slides.validation) add(s, "validation");
  return records;
}

}  // namespace untiled
