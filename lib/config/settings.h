// Every setting of the program as plain structs: defaults, units and a sentence each. YAML files
// and --set fill them (see load.h); nothing deeper down reads YAML.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/filters/stains.h"

namespace untiled {

struct RunSettings {
  std::filesystem::path folder = "runs/run";  ///< Where checkpoints, metrics and previews go.
  std::filesystem::path scratch;  ///< Folder for stored tensors beyond the budget; empty: none.
  bool deidentify = false;        ///< No paths, file names or host in what the program writes.
};

/// A class that the network tells apart.
struct ClassSettings {
  std::string name;
  int value = 0;                         ///< Its pixel value in masks, 0-254 (255: see ignore).
  std::array<int, 3> color = {0, 0, 0};  ///< RGB in pictures.
  double weight = 1.0;                   ///< Weight of its pixels in the loss.
};

/// How slides are made to look alike before a network sees them.
enum class StainMethod { kNone, kMacenko };

struct StainSettings {
  StainMethod method = StainMethod::kNone;
  /// What slides are made to look like; none: filters::kReferenceStains.
  std::optional<filters::Stains> reference;
};

enum class CacheMode { kAuto, kNone, kRam, kDisk };
enum class Origin { kQuPath, kOpenSlide };

struct DataSettings {
  std::vector<std::string> slides;      ///< Paths and globs of training slides.
  std::vector<std::string> validation;  ///< Paths and globs of validation slides.
  std::filesystem::path manifest;       ///< CSV with slide, mask, split, group, mpp, region.
  int level = 0;                        ///< Pyramid level to work at; ignored when mpp is set.
  std::optional<double> mpp;            ///< Micrometres per pixel to resample to.
  std::optional<double> assume_mpp;     ///< Scale of slides that do not say theirs.
  Origin origin = Origin::kQuPath;      ///< Frame of coordinates of outputs and regions.
  StainSettings stain;
  CacheMode cache = CacheMode::kAuto;
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

enum class LabelMethod { kOtsu, kRobust, kMask };

/// Which objects of GeoJSON are labels; kAll: detections, cells and tiles as well as annotations.
enum class LabelObjects { kAnnotations, kAll };

/// What pixels are that no annotation covers.
enum class Unannotated { kAuto, kIgnored, kBackground };

struct LabelSettings {
  LabelMethod method = LabelMethod::kOtsu;  ///< kMask: the manifest's mask column.
  double mpp = 8.0;                         ///< Scale at which tissue labels are made.
  double median_um = 40.0;                  ///< Diameter of the median filter.
  double min_hole_um2 = 20000.0;            ///< Smaller holes are filled.
  double min_object_um2 = 20000.0;          ///< Smaller pieces are dropped.
  Unannotated unannotated = Unannotated::kAuto;
  LabelObjects objects = LabelObjects::kAnnotations;
};

enum class ModelKind { kUnet, kResnet };

/// What normalises the channels of a ResNet: exact statistics over all pixels of all slides of a
/// step; the running statistics, which then stay as they are; or nothing (convolutions have
/// biases).
enum class NormKind { kBatch, kFrozen, kNone };

/// An encoder-decoder with skips, see models/unet.h for what the defaults mean; or a ResNet, see
/// models/resnet_graph.h.
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

/// kCrossEntropy is of whole slides alone, kBce of pixels or of whole slides.
enum class LossKind { kBce, kDice, kBceDice, kCrossEntropy };
enum class OptimizerKind { kAdam, kAdamW, kSgd };
enum class ScheduleKind { kConstant, kCosine, kOneCycle };

struct OptimizerSettings {
  OptimizerKind kind = OptimizerKind::kAdam;
  double learning_rate = 1e-3;  ///< The peak rate of a schedule.
  double weight_decay = 0.0;
  double momentum = 0.9;  ///< SGD only.
  double beta1 = 0.9;     ///< Adam and AdamW.
  double beta2 = 0.999;   ///< Adam and AdamW.
  double epsilon = 1e-8;  ///< Adam and AdamW.
};

struct ScheduleSettings {
  ScheduleKind kind = ScheduleKind::kConstant;
  double warmup_fraction = 0.3;  ///< one_cycle and cosine: part of the steps that the rate rises.
  double final_fraction = 1e-3;  ///< Last rate over the peak rate.
};

struct TrainSettings {
  int64_t steps = 200;
  LossKind loss = LossKind::kBceDice;
  OptimizerSettings optimizer;
  ScheduleSettings schedule;
  double clip_norm = 0.0;         ///< Largest gradient norm; 0: no clipping.
  int accumulate = 1;             ///< Slides a step; their gradients are averaged.
  int batch = 1;                  ///< ResNet: slides a step, normalised together.
  int64_t validate_every = 20;    ///< Steps between validations; 0: only at the end.
  int64_t checkpoint_every = 20;  ///< Steps between checkpoints; the last step always has one.
  double threshold = 0.5;         ///< Probability from which a pixel counts, one class only.
};

struct AugmentSettings {
  bool flip = false;        ///< Random mirror images, exact.
  bool rotate = false;      ///< Random quarter turns, exact.
  double stain = 0.0;       ///< Standard deviation of haematoxylin and eosin's relative strength.
  double brightness = 0.0;  ///< Standard deviation of brightness, relative.
};

/// What computes segments on a CPU; see lib/kernels.
enum class KernelChoice { kAuto, kLibTorch };

enum class Precision { kFloat32, kFloat64 };

enum class ScheduleChoice { kAuto, kSweep, kPasses };

/// Which tensors of a ResNet are stored: all that later layers read, or blocks' outputs only, a
/// block's inside being computed once more on the way back.
enum class StoreChoice { kAuto, kAll, kBlocks };

struct StreamingSettings {
  ScheduleChoice schedule = ScheduleChoice::kAuto;  ///< The order of a step's tasks.
  /// Output pixels a side of a tile of the last segment; none: as suits the kernels, the slide and
  /// the budget.
  std::optional<int64_t> tile;
  Precision dtype = Precision::kFloat32;
  StoreChoice store = StoreChoice::kAuto;  ///< kAuto: all where the budget has room.
};

/// Of a program that was started as several ranks.
struct RankSettings {
  std::string layout = "auto";  ///< How a slide is cut: auto, rows, columns or RxC.
  int per_slide = 0;  ///< Ranks that share a slide; the rest take others of the step; 0: all.
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
