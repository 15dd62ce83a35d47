// Trained weights with all that is needed to use them: `last.safetensors`, `best.safetensors`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/class_settings.h"
#include "lib/filters/stains.h"
#include "lib/network/model_settings.h"
#include "lib/train/safetensors.h"

namespace untiled {

/// What a checkpoint says about its weights.
struct CheckpointInfo {
  std::string architecture = "unet";
  ModelSettings model;
  std::vector<ClassSettings> classes;  ///< One: a sigmoid; more: a softmax in this order.
  std::optional<double> training_mpp;  ///< Micrometres per pixel of the training data, if known.
  int training_level = 0;              ///< Pyramid level of the training data.
  /// What slides were made to look like (data.stain), and are to be made to; none: their own.
  std::optional<filters::Stains> stains;
  double input_scaling = 1.0 / 255.0;  ///< Pixel values are multiplied by this.
  double threshold = 0.5;              ///< Probability from which a pixel counts, one class only.
  int64_t step = 0;                    ///< Updates that made these weights.
  std::string version;                 ///< Of the program that wrote it.
};

struct Checkpoint {
  CheckpointInfo info;
  NamedTensors parameters;
};

/// `info` as a safetensors file's metadata, each value as JSON, and back. The latter throws
/// DataError that says what is missing, wrong or outside the range that settings have.
Metadata to_metadata(const CheckpointInfo& info);
CheckpointInfo checkpoint_info(const Metadata& metadata);

/// The file appears whole or not at all, with a check sum. Throws DataError.
void save_checkpoint(const std::filesystem::path& path, const NamedTensors& parameters,
                     const CheckpointInfo& info);

/// Throws DataError naming the file when it is not a checkpoint of this program, or is damaged; one
/// without a check sum is read as it is.
Checkpoint load_checkpoint(const std::filesystem::path& path);

}  // namespace untiled
