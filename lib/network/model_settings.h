// Options of the networks that models builds, and what a checkpoint says of its own.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace untiled {

enum class ModelKind { kUnet, kResnet };

/// What normalises the channels of a ResNet: exact statistics over all pixels of all slides of a
/// step; the running statistics, which then stay as they are; or nothing (convolutions have
/// biases).
enum class NormKind { kBatch, kFrozen, kNone };

/// An encoder-decoder with skips, see models/unet_graph.h for what the defaults mean; or a ResNet,
/// see models/resnet_graph.h.
struct ModelSettings {
  ModelKind kind = ModelKind::kUnet;
  int depth = 18;        ///< ResNet: 10, 18, 34 or 50 layers.
  int width = 16;        ///< ResNet: channels of the first stage.
  int first_stride = 2;  ///< ResNet: of the first convolution.
  NormKind norm = NormKind::kBatch;
  std::filesystem::path init;  ///< ResNet: a safetensors file to begin with; empty: random.
  std::vector<int> widths = {2, 4, 8};  ///< Channels at each level below the input.
  int stride = 4;                       ///< Downsampling factor of each level.
  int down_kernel = 7;                  ///< Odd.
  int refine_kernel = 3;                ///< Odd.
  int up_kernel = 5;                    ///< Odd.
  int head_kernel = 3;                  ///< Odd.
};

/// What is wrong with the number of levels, for people: nothing while a pixel of the coarsest one
/// stands for at most 65,536 x 65,536 of the slide's.
std::optional<std::string> find_coarse_level(const ModelSettings& settings);

}  // namespace untiled
