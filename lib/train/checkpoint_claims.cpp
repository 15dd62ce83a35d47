#include "lib/train/checkpoint_claims.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "lib/core/error.h"
#include "lib/network/model_settings.h"

namespace untiled {
namespace {

constexpr size_t kMostLevels = 8;
constexpr size_t kMostClasses = 255;

/// Also refuses what is not a number.
void require_within(const char* what, double value, double least, double most) {
  if (value >= least && value <= most) return;
  throw DataError(
      fmt::format("its {} is {}, which must be from {} to {}", what, value, least, most));
}

void require_odd(const char* what, int side) {
  require_within(what, side, 1, 31);
  if (side % 2 == 0) throw DataError(fmt::format("its {} is {}, which must be odd", what, side));
}

void require_model(const CheckpointInfo& info) {
  if (info.architecture != "unet") {
    throw DataError(
        fmt::format("its architecture is \"{}\", and this program knows unet", info.architecture));
  }
  const ModelSettings& model = info.model;
  require_within("number of widths", static_cast<double>(model.widths.size()), 1, kMostLevels);
  for (const int width : model.widths) require_within("width", width, 1, 1024);
  require_within("stride", model.stride, 2, 16);
  require_odd("down kernel", model.down_kernel);
  require_odd("refine kernel", model.refine_kernel);
  require_odd("up kernel", model.up_kernel);
  require_odd("head kernel", model.head_kernel);
  if (const auto flaw = find_coarse_level(model)) throw DataError(*flaw);
}

void require_classes(const std::vector<ClassSettings>& classes) {
  require_within("number of classes", static_cast<double>(classes.size()), 1, kMostClasses);
  std::set<int> values;
  std::set<std::string> names;
  for (const ClassSettings& c : classes) {
    if (c.name.empty()) throw DataError("one of its classes has no name");
    require_within("class value", c.value, 0, 254);
    for (const int channel : c.color) require_within("class colour", channel, 0, 255);
    require_within("class weight", c.weight, 0, 1e6);
    if (!values.insert(c.value).second || !names.insert(c.name).second) {
      throw DataError(fmt::format("its class {} ({}) is there twice", c.name, c.value));
    }
  }
}

void require_resnet(const ModelSettings& model) {
  const int depth = model.depth;
  if (depth != 10 && depth != 18 && depth != 34 && depth != 50) {
    throw DataError(
        fmt::format("its depth is {}, and this program knows 10, 18, 34 and 50", depth));
  }
  require_within("width", model.width, 1, 1024);
  require_within("first_stride", model.first_stride, 1, 8);
}

void require_labels(const ClassifierInfo& info) {
  const auto count = static_cast<double>(info.labels.size());
  require_within("number of labels", count, 2, info.loss == LossKind::kBce ? 2 : kMostClasses);
  std::set<std::string> names;
  for (const std::string& name : info.labels) {
    if (name.empty()) throw DataError("one of its labels has no name");
    if (!names.insert(name).second)
      throw DataError(fmt::format("its label {} is there twice", name));
  }
}

/// What both kinds of checkpoints say of the slides that they were trained on, and for how long.
void require_training(const std::optional<double>& mpp, int level, int64_t step) {
  if (mpp) require_within("training_mpp", *mpp, 1e-3, 1e4);
  require_within("training_level", level, 0, 32);
  require_within("step", static_cast<double>(step), 0, 1e9);
}

}  // namespace

void require_sound_claims(const ClassifierInfo& info) {
  require_resnet(info.model);
  require_labels(info);
  require_training(info.training_mpp, info.training_level, info.step);
}

void require_sound_claims(const CheckpointInfo& info) {
  require_model(info);
  require_classes(info.classes);
  require_training(info.training_mpp, info.training_level, info.step);
  constexpr double kScaling = 1.0 / 255.0;
  if (!(std::abs(info.input_scaling - kScaling) <= 1e-12)) {
    throw DataError(fmt::format("its input_scaling is {}, and pixels are scaled by 1/255 here",
                                info.input_scaling));
  }
  require_within("threshold", info.threshold, 0, 1);
}

}  // namespace untiled
