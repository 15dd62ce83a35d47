// doctor: what this program may use here; each line is ok or says what to do.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/pipeline/diagnosis.h"

namespace untiled {
namespace {

void print(const Findings& findings) {
  for (const auto& [subject, state, remedy] : findings) {
    fmt::print("{:<4} {}: {}{}{}\n", remedy.empty() ? "ok" : "fix:", subject, state,
               remedy.empty() ? "" : "; ", remedy);
  }
}

nlohmann::ordered_json to_json(const Findings& findings) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [subject, state, remedy] : findings) {
    list.push_back(
        {{"subject", subject},
         {"ok", remedy.empty()},
         {"found", state},
         {"remedy", remedy.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(remedy)}});
  }
  return list;
}

int doctor(const Settings& settings, bool json) {
  const Findings findings = diagnose(settings);
  const bool ok = std::all_of(findings.begin(), findings.end(),
                              [](const Finding& finding) { return finding.remedy.empty(); });
  if (json) {
    print_json({{"ok", ok}, {"findings", to_json(findings)}});
  } else {
    print(findings);
  }
  return ok ? 0 : 1;
}

}  // namespace

Command doctor_command() {
  return {"doctor", "Say what this program may use here and what to repair", "untiled doctor",
          [](CLI::App& verb) {
            const auto options = add_settings_options(verb, ConfigFile::kOptional);
            const auto json = add_json_flag(verb);
            return [=] { return doctor(options->load(), *json); };
          }};
}

}  // namespace untiled
