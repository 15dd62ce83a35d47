// Settings from a text, as if it stood in a file.
#pragma once

#include <string>
#include <vector>

#include "app/config/load.h"
#include "lib/core/atomic_file.h"
#include "tests/core/temporary_folder.h"

namespace untiled {

inline Settings load_text(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  const TemporaryFolder folder;
  write_file(folder / "run.yaml", yaml);
  return load_settings(folder / "run.yaml", overrides);
}

/// The message with which a text is refused, from the file's name on; empty if it is accepted.
inline std::string refusal(const std::string& yaml,
                           const std::vector<std::string>& overrides = {}) {
  try {
    load_text(yaml, overrides);
    return "";
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    const size_t name = message.find("run.yaml");
    return name == std::string::npos ? message : message.substr(name);
  }
}

}  // namespace untiled
