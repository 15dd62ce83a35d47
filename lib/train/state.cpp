#include "lib/train/state.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "lib/core/error.h"
#include "lib/train/named_tensors.h"

namespace untiled {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "untiled state 1";
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
                {"settings", state.settings},   {"fingerprints", state.fingerprints}};
  if (state.best) {
    facts["best"] = {
        {"step", state.best->step}, {"dice", state.best->dice}, {"loss", state.best->loss}};
  }
  return facts;
}

TrainingState parse_state(const SafetensorsFile& file) {
  const auto format = file.metadata.find("format");
  const auto facts_text = file.metadata.find("facts");
  if (format == file.metadata.end() || format->second != kFormat ||
      facts_text == file.metadata.end()) {
    throw DataError(fmt::format("its metadata lack \"format\": \"{}\"", kFormat));
  }
  const json facts = json::parse(facts_text->second);
  TrainingState state;
  state.step = facts.at("step").get<int64_t>();
  state.seed = facts.at("seed").get<uint64_t>();
  state.last_dice = number_or_nan(facts.at("last_dice"));
  state.file_bytes = facts.at("file_bytes").get<std::map<std::string, int64_t>>();
  state.settings = facts.at("settings").get<SettingsMap>();
  state.fingerprints = facts.at("fingerprints").get<std::map<std::string, std::string>>();
  state.parameters = with_prefix(file.tensors, kParameterPrefix);
  state.optimizer = with_prefix(file.tensors, kOptimizerPrefix);
  if (facts.contains("best")) {
    const json& best = facts["best"];
    state.best = BestWeights{with_prefix(file.tensors, kBestPrefix), best.at("step").get<int64_t>(),
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
  write_safetensors(
      path, tensors,
      {{"format", kFormat},
       {"facts", facts_of(state).dump(-1, ' ', false, json::error_handler_t::replace)}});
}

TrainingState load_state(const std::filesystem::path& path) {
  const SafetensorsFile file = read_safetensors(path);
  try {
    return parse_state(file);
  } catch (const std::exception& problem) {
    throw DataError(
        fmt::format("{} is not a training state of untiled: {}", path.string(), problem.what()));
  }
}

}  // namespace untiled
