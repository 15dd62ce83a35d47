#include "lib/train/state.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "lib/core/error.h"
#include "lib/core/json_number.h"
#include "lib/core/json_text.h"
#include "lib/train/check_sum.h"
#include "lib/train/named_tensors.h"

namespace untiled {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "untiled state 2";
/// Of builds before, without a check sum.
constexpr const char* kOldFormat = "untiled state 1";
constexpr int64_t kMostSteps = 1'000'000'000'000;
constexpr const char* kParameterPrefix = "parameter.";
constexpr const char* kOptimizerPrefix = "optimizer.";
constexpr const char* kBestPrefix = "best.";

/// JSON has no NaN; nlohmann writes it as null.
double number_or_nan(const json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

json facts_of(const TrainingState& state) {
  json facts = {{"step", state.step},           {"seed", state.seed},
                {"last_dice", state.last_dice}, {"file_bytes", state.file_bytes},
                {"settings", state.settings},   {"fingerprints", state.fingerprints},
                {"slides", state.slides}};
  if (state.best) {
    facts["best"] = {
        {"step", state.best->step}, {"dice", state.best->dice}, {"loss", state.best->loss}};
  }
  return facts;
}

/// An entry of the metadata, empty where there is none.
std::string entry(const SafetensorsFile& file, const char* key) {
  const auto found = file.metadata.find(key);
  return found == file.metadata.end() ? "" : found->second;
}

/// The sum is over the tensors and the facts.
void require_own_sum(const SafetensorsFile& file) {
  const std::string format = entry(file, "format");
  if (format == kOldFormat) return;
  if (format != kFormat) {
    throw DataError(fmt::format("its metadata lack \"format\": \"{}\"", kFormat));
  }
  const std::string expected = entry(file, "check_sum");
  const std::string found = check_sum(file.tensors, entry(file, "facts"));
  if (found != expected) {
    throw DataError(fmt::format("it is damaged: its check sum is {} where {} belongs", found,
                                expected.empty() ? "one" : expected));
  }
}

TrainingState parse_state(const SafetensorsFile& file) {
  require_own_sum(file);
  const json facts = parse_json<json>(entry(file, "facts"));
  TrainingState state;
  state.step = whole_number("step", facts.at("step"), 0, kMostSteps);
  if (!facts.at("seed").is_number_unsigned()) throw DataError("its seed is no whole number");
  state.seed = facts.at("seed").get<uint64_t>();
  state.last_dice = number_or_nan(facts.at("last_dice"));
  for (const auto& [name, bytes] : facts.at("file_bytes").items()) {
    state.file_bytes[name] = whole_number(name, bytes, 0, INT64_MAX);
  }
  state.settings = facts.at("settings").get<SettingsMap>();
  state.fingerprints = facts.at("fingerprints").get<std::map<std::string, std::string>>();
  if (facts.contains("slides")) {
    state.slides = facts["slides"].get<std::vector<std::string>>();
  }
  state.parameters = with_prefix(file.tensors, kParameterPrefix);
  state.optimizer = with_prefix(file.tensors, kOptimizerPrefix);
  if (facts.contains("best")) {
    const json& best = facts["best"];
    state.best = BestWeights{with_prefix(file.tensors, kBestPrefix),
                             whole_number("best step", best.at("step"), 0, kMostSteps),
                             number_or_nan(best.at("dice")), number_or_nan(best.at("loss"))};
  }
  return state;
}

}  // namespace

bool BestWeights::beaten_by(double other_dice, double other_loss) const {
  if (std::isnan(other_dice)) return std::isnan(dice) && other_loss < loss;
  return std::isnan(dice) || other_dice > dice;
}

void save_state(const std::filesystem::path& path, const TrainingState& state) {
  NamedTensors tensors;
  append_prefixed(tensors, kParameterPrefix, state.parameters);
  append_prefixed(tensors, kOptimizerPrefix, state.optimizer);
  if (state.best) append_prefixed(tensors, kBestPrefix, state.best->parameters);
  const std::string facts = facts_of(state).dump(-1, ' ', false, json::error_handler_t::replace);
  write_safetensors(
      path, tensors,
      {{"format", kFormat}, {"facts", facts}, {"check_sum", check_sum(tensors, facts)}});
}

TrainingState load_state(const std::filesystem::path& path) {
  try {
    return parse_state(read_safetensors(path));
  } catch (const std::exception& problem) {
    throw DataError(fmt::format(
        "{} is not a training state of untiled: {}; put back a copy of it, or train in another "
        "run.folder: the weights in last.safetensors beside it are whole",
        path.string(), problem.what()));
  }
}

}  // namespace untiled
