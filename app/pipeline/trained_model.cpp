#include "app/pipeline/trained_model.h"

#include <fmt/format.h>

#include "app/config/consistency.h"
#include "lib/core/error.h"
#include "lib/train/named_tensors.h"
#include "models/unet.h"

namespace untiled {
namespace {

Settings settings_of(const Settings& settings, const CheckpointInfo& info,
                     const ModelScale& scale) {
  Settings out = settings;
  out.model = info.model;
  out.data.classes = info.classes;
  out.data.level = scale.level.value_or(info.training_level);
  out.data.mpp = scale.mpp;
  if (!scale.level && !scale.mpp && info.training_mpp) out.data.mpp = info.training_mpp;
  out.data.stain = stain_settings(info.stains);
  out.train.threshold = info.threshold;
  return out;
}

/// A file of few weights may claim widths whose network takes gigabytes.
void require_claimed_weights(const std::filesystem::path& file, const Graph& graph,
                             const NamedTensors& weights) {
  if (graph.parameter_count() == count_values(weights)) return;
  throw DataError(fmt::format(
      "{} is not a checkpoint of untiled: its network has {} weights and it holds {}; give the "
      "last.safetensors or best.safetensors of a run folder",
      file.string(), graph.parameter_count(), count_values(weights)));
}

}  // namespace

StainSettings stain_settings(const std::optional<filters::Stains>& reference) {
  return {reference ? StainMethod::kMacenko : StainMethod::kNone, reference};
}

void require_decoder_fits(const Settings& settings) {
  if (const auto conflict = find_decode_conflict(settings)) {
    throw ConfigError(
        fmt::format("{} {}, as the checkpoint asks for", conflict->key, conflict->message));
  }
}

void refuse_foreign_settings(const std::vector<std::string>& overrides) {
  for (const std::string& change : overrides) {
    for (const char* key : {"model.", "data.classes", "data.labels",
                            "data.level=", "data.mpp=", "data.stain", "train."}) {
      if (!change.starts_with(key)) continue;
      throw ConfigError(fmt::format(
          "--set {}: the network, its classes, its scale and its stains are the checkpoint's; see "
          "--level, --mpp and --threshold",
          change));
    }
  }
}

TrainedModel::TrainedModel(const Settings& settings, const std::filesystem::path& checkpoint,
                           const ModelScale& scale)
    : checkpoint_(load_checkpoint(checkpoint)),
      settings_(settings_of(settings, checkpoint_.info, scale)),
      engine_(std::make_unique<Engine>(settings_, logit_count())) {
  require_decoder_fits(settings_);
  require_claimed_weights(checkpoint, engine_->graph(), checkpoint_.parameters);
  // The file's order is its own; the network's counts.
  try {
    checkpoint_.parameters = match(checkpoint_.parameters, initial_parameters(engine_->graph(), 0));
  } catch (const DataError& problem) {
    throw DataError(fmt::format("{} does not fit the network that it names: {}",
                                checkpoint.string(), problem.what()));
  }
  if (!all_finite(checkpoint_.parameters.tensors)) {
    throw DataError(fmt::format("{} holds weights that are not finite; give another checkpoint",
                                checkpoint.string()));
  }
}

int64_t TrainedModel::logit_count() const {
  const auto classes = static_cast<int64_t>(checkpoint_.info.classes.size());
  return classes > 1 ? classes : 1;
}

}  // namespace untiled
