#include "lib/train/recorded_settings.h"

#include "lib/config/flatten.h"
#include "lib/core/printable.h"

namespace untiled {

Settings shareable(Settings settings) {
  if (!settings.run.deidentify) return settings;
  settings.data.slides.clear();
  settings.data.validation.clear();
  settings.data.manifest.clear();
  settings.model.init.clear();
  settings.run.folder = RunSettings{}.folder;
  settings.run.scratch.clear();
  return settings;
}

SettingsMap recorded(const Settings& settings) {
  SettingsMap map = flatten(shareable(settings));
  for (auto& [key, value] : map) value = text_name(value);
  return map;
}

void check_settings(const std::filesystem::path& folder, SettingsMap before,
                    const Settings& settings) {
  const SettingsMap now = recorded(settings);
  if (settings.run.deidentify) {
    for (const char* key : {"data.slides", "data.validation", "data.manifest", "model.init"}) {
      before[key] = now.at(key);
    }
  }
  check_resume(folder, before, now);
}

}  // namespace untiled
