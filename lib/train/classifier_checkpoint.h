// Trained classifiers of whole slides: torchvision's tensors, and what is needed to use them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/filters/stains.h"
#include "lib/network/model_settings.h"
#include "lib/streaming/loss_kind.h"
#include "lib/train/safetensors.h"

namespace untiled {

struct ClassifierInfo {
  ModelSettings model;  ///< Depth, width, first stride and norm.
  LossKind loss = LossKind::kCrossEntropy;
  std::vector<std::string> labels;  ///< In the order of the probabilities.
  std::optional<double> training_mpp;
  int training_level = 0;
  std::optional<filters::Stains> stains;  ///< See CheckpointInfo.
  int64_t step = 0;
  std::string version;
};

struct ClassifierCheckpoint {
  ClassifierInfo info;
  NamedTensors tensors;  ///< In the order of their bytes in the file.
};

/// `info` as a safetensors file's metadata and back. The latter throws DataError that says what is
/// missing, wrong or outside the range that settings have.
Metadata to_metadata(const ClassifierInfo& info);
ClassifierInfo classifier_info(const Metadata& metadata);

/// The file appears whole or not at all, with a check sum. Throws DataError.
void save_classifier(const std::filesystem::path& path, const NamedTensors& tensors,
                     const ClassifierInfo& info);

/// Throws DataError naming the file when it is no such checkpoint, or is damaged; one without a
/// check sum is read as it is.
ClassifierCheckpoint load_classifier(const std::filesystem::path& path);

/// Whether a checkpoint is of a classifier; false for any other file.
bool is_classifier(const std::filesystem::path& path);

}  // namespace untiled
