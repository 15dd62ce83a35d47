// Every setting of the program: the options that each component owns, and beside them those of the
// pipeline that puts components together. YAML files and --set fill them (see load.h); nothing
// deeper down knows this file or reads YAML.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/cohort/cohort_settings.h"
#include "data/loader/loader_settings.h"
#include "data/stain/stain_settings.h"
#include "data/tissue/label_settings.h"
#include "lib/core/class_settings.h"
#include "lib/core/origin.h"
#include "lib/network/model_settings.h"
#include "lib/streaming/streaming_settings.h"
#include "lib/train/train_settings.h"

namespace untiled {

struct RunSettings {
  std::filesystem::path folder = "runs/run";  ///< Where checkpoints, metrics and previews go.
  std::filesystem::path scratch;  ///< Folder for stored tensors beyond the budget; empty: none.
  bool deidentify = false;        ///< No paths, file names or host in what the program writes.
};

struct DataSettings {
  CohortSettings cohort;
  int level = 0;                     ///< Pyramid level to work at; ignored when mpp is set.
  std::optional<double> mpp;         ///< Micrometres per pixel to resample to.
  std::optional<double> assume_mpp;  ///< Scale of slides that do not say theirs.
  Origin origin = Origin::kQuPath;   ///< Frame of coordinates of outputs and regions.
  StainSettings stain;
  CacheMode cache = CacheMode::kAuto;
  DecodeChoice decode = DecodeChoice::kAuto;
  /// Threads that only decode, beside those that compute and decode; none: as suits the device.
  std::optional<int64_t> workers;
  int64_t queue_bytes = 64 << 20;  ///< Decoded pixels that they may be ahead.
  /// Empty: one class "tissue" against background. One entry: that class against the rest.
  std::vector<ClassSettings> classes;
  int ignore = 255;  ///< Mask value of pixels without weight.
  /// Classes of whole slides, in the order of the probabilities; the manifest's column label names
  /// them.
  std::vector<std::string> labels;
  std::vector<double> label_weights;  ///< In the loss, in that order; empty: 1 each.
};

/// What computes segments on a CPU; see lib/kernels.
enum class KernelChoice { kAuto, kLibTorch };

/// How the sums of ranks' CUDA devices travel; kAuto: by NCCL where each rank has one of its own.
enum class DeviceSums { kAuto, kHost };

/// Of a program that was started as several ranks.
struct RankSettings {
  std::string layout = "auto";  ///< How a slide is cut: auto, rows, columns or RxC.
  int per_slide = 0;  ///< Ranks that share a slide; the rest take others of the step; 0: all.
  DeviceSums device_sums = DeviceSums::kAuto;
};

struct Settings {
  RunSettings run;
  DataSettings data;
  LabelSettings labels;
  ModelSettings model;
  TrainSettings train;
  AugmentSettings augment;
  StreamingSettings streaming;
  int64_t memory_budget = int64_t{4} << 30;  ///< Bytes above the program's own base.
  int threads = 0;                           ///< Tile workers; 0: one a usable core.
  uint64_t seed = 0;
  KernelChoice kernels = KernelChoice::kAuto;
  std::string simd =
      "auto";  ///< Instruction set of the fused kernels: auto, avx512, avx2, neon, scalar.
  std::string device = "auto";  ///< auto, cpu, mps, cuda or cuda:N.
  std::string profile;          ///< Plan under a backend's limits: mps or cuda.
  RankSettings ranks;
};

}  // namespace untiled
