// A checkpoint ready to run: its network, its scale, its classes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config/settings.h"
#include "app/pipeline/engine.h"
#include "lib/train/checkpoint.h"

namespace untiled {

/// At which scale a model runs, where that is not the one it was trained at.
struct ModelScale {
  std::optional<int> level;
  std::optional<double> mpp;
};

/// What a checkpoint that keeps such stains, or none, makes of data.stain.
StainSettings stain_settings(const std::optional<filters::Stains>& reference);

/// Refuses a decoder that cannot make what a checkpoint's network sees. Throws ConfigError.
void require_decoder_fits(const Settings& settings);

/// Refuses changes of settings that the checkpoint decides. Throws ConfigError.
void refuse_foreign_settings(const std::vector<std::string>& overrides);

class TrainedModel {
 public:
  /// Throws DataError (the file), ConfigError (the device).
  TrainedModel(const Settings& settings, const std::filesystem::path& checkpoint,
               const ModelScale& scale);

  /// The settings with the checkpoint's network, classes, scale, stains and threshold.
  const Settings& settings() const { return settings_; }
  const CheckpointInfo& info() const { return checkpoint_.info; }
  const Engine& engine() const { return *engine_; }
  /// In the network's order.
  const std::vector<at::Tensor>& parameters() const { return checkpoint_.parameters.tensors; }
  int64_t logit_count() const;

 private:
  Checkpoint checkpoint_;
  Settings settings_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace untiled
