#include "app/config/consistency.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lib/core/lower_case.h"
#include "lib/network/model_settings.h"

namespace untiled {
namespace {

using Finding = std::optional<Inconsistency>;

Finding check_classes(const DataSettings& data) {
  std::map<int, std::string> names_by_value;
  std::map<std::string, int> values_by_name;
  for (const ClassSettings& c : data.classes) {
    const auto [same_value, new_value] = names_by_value.emplace(c.value, c.name);
    if (!new_value) {
      return Inconsistency{"data.classes",
                           fmt::format("give '{}' and '{}' the same value {}; each class needs "
                                       "its own",
                                       same_value->second, c.name, c.value)};
    }
    if (!values_by_name.emplace(c.name, c.value).second) {
      return Inconsistency{"data.classes",
                           fmt::format("name '{}' twice; each class needs its own name", c.name)};
    }
  }
  const auto ignored = names_by_value.find(data.ignore);
  if (ignored == names_by_value.end()) return std::nullopt;
  return Inconsistency{
      "data.ignore", fmt::format("{} is also the value of class '{}'; choose another", data.ignore,
                                 ignored->second)};
}

Finding check_unannotated(const Settings& settings) {
  const auto& classes = settings.data.classes;
  if (settings.labels.unannotated != Unannotated::kBackground || classes.size() < 2) {
    return std::nullopt;
  }
  const bool has_background =
      std::any_of(classes.begin(), classes.end(),
                  [](const ClassSettings& c) { return lower_case(c.name) == "background"; });
  if (has_background) return std::nullopt;
  return Inconsistency{"labels.unannotated",
                       "is background, but none of data.classes is called Background; name one so"};
}

Finding check_class_weights(const DataSettings& data) {
  const bool all_zero =
      !data.classes.empty() && std::all_of(data.classes.begin(), data.classes.end(),
                                           [](const ClassSettings& c) { return c.weight == 0; });
  if (!all_zero) return std::nullopt;
  return Inconsistency{"data.classes", "all have weight 0; nothing would be learnt"};
}

Finding check_inputs(const CohortSettings& cohort) {
  if (cohort.manifest.empty() || cohort.slides.empty()) return std::nullopt;
  return Inconsistency{"data.manifest", "and data.slides are both set; give one of them"};
}

Finding check_labels(const Settings& settings) {
  if (settings.model.kind == ModelKind::kResnet) return std::nullopt;  // They are the manifest's.
  const bool tissue = settings.labels.method != LabelMethod::kMask;
  if (tissue && settings.data.classes.size() > 1) {
    return Inconsistency{
        "labels.method",
        fmt::format("otsu and robust know one class, data.classes has {}; use mask",
                    settings.data.classes.size())};
  }
  if (!tissue && settings.data.cohort.manifest.empty()) {
    return Inconsistency{"labels.method", "mask needs data.manifest, whose column mask names them"};
  }
  return std::nullopt;
}

Finding check_model(const ModelSettings& model) {
  if (auto flaw = find_coarse_level(model)) return Inconsistency{"model.widths", std::move(*flaw)};
  return std::nullopt;
}

Finding check_label_names(const DataSettings& data) {
  for (size_t i = 0; i < data.labels.size(); ++i) {
    const auto same = std::count(data.labels.begin(), data.labels.end(), data.labels[i]);
    if (same > 1) {
      return Inconsistency{"data.labels", fmt::format("name '{}' twice", data.labels[i])};
    }
  }
  const auto& weights = data.label_weights;
  if (!weights.empty() && weights.size() != data.labels.size()) {
    return Inconsistency{"data.label_weights",
                         fmt::format("are {} where data.labels are {}; give one each",
                                     weights.size(), data.labels.size())};
  }
  const bool all_zero = !weights.empty() && std::all_of(weights.begin(), weights.end(),
                                                        [](double w) { return w == 0; });
  if (all_zero) return Inconsistency{"data.label_weights", "are all 0; nothing would be learnt"};
  return std::nullopt;
}

Finding check_slide_loss(const Settings& settings) {
  const LossKind loss = settings.train.loss;
  if (settings.model.kind == ModelKind::kUnet) {
    if (loss != LossKind::kCrossEntropy) return std::nullopt;
    return Inconsistency{"train.loss",
                         "cross_entropy is of whole slides (model.kind resnet); a U-Net's is bce, "
                         "which is cross-entropy for several classes"};
  }
  if (loss != LossKind::kCrossEntropy && loss != LossKind::kBce) {
    return Inconsistency{"train.loss",
                         "is over pixels; with model.kind resnet choose cross_entropy or bce"};
  }
  if (loss == LossKind::kBce && settings.data.labels.size() > 2) {
    return Inconsistency{"train.loss",
                         fmt::format("bce tells two labels apart, data.labels are {}; use "
                                     "cross_entropy",
                                     settings.data.labels.size())};
  }
  return std::nullopt;
}

/// What a classifier of whole slides has to be told, and what it does not know.
Finding check_classifier(const Settings& settings) {
  if (settings.model.kind == ModelKind::kUnet) return std::nullopt;
  if (settings.data.labels.size() < 2) {
    return Inconsistency{"data.labels", "must name two classes or more where model.kind is resnet"};
  }
  if (settings.train.accumulate > 1) {
    return Inconsistency{"train.accumulate",
                         "is for the U-Net; with model.kind resnet set train.batch"};
  }
  if (settings.model.norm == NormKind::kFrozen && settings.model.init.empty()) {
    return Inconsistency{"model.norm",
                         "frozen keeps the running statistics that model.init brings; set it"};
  }
  return std::nullopt;
}

/// A U-Net would be trained as if nobody had said it, from random weights where some were given.
Finding check_unet(const Settings& settings) {
  if (settings.model.kind == ModelKind::kResnet) return std::nullopt;
  if (!settings.model.init.empty()) {
    return Inconsistency{"model.init",
                         "is read with model.kind resnet; a U-Net begins with random weights: "
                         "leave it out, or set model.kind: resnet"};
  }
  if (settings.train.batch > 1) {
    return Inconsistency{"train.batch",
                         "is for model.kind resnet; with a U-Net set train.accumulate"};
  }
  return std::nullopt;
}

Finding check_cache(const Settings& settings) {
  if (settings.data.cache != CacheMode::kDisk || !settings.run.scratch.empty()) return std::nullopt;
  return Inconsistency{"data.cache", "disk needs a folder to write to; set run.scratch"};
}

}  // namespace

Finding find_decode_conflict(const Settings& settings) {
  const DataSettings& data = settings.data;
  const AugmentSettings& augment = settings.augment;
  if (data.decode == DecodeChoice::kAuto || data.decode == DecodeChoice::kHost) return std::nullopt;
  const auto needs_host = [](const std::string& what) {
    return Inconsistency{"data.decode",
                         "must be auto or host where " + what + " needs pixels on the host"};
  };
  if (data.cache == CacheMode::kRam || data.cache == CacheMode::kDisk)
    return needs_host("data.cache");
  if (data.stain.method != StainMethod::kNone) return needs_host("data.stain");
  const bool changes =
      augment.flip || augment.rotate || augment.stain > 0 || augment.brightness > 0;
  if (changes) return needs_host("augment");
  if (settings.model.kind == ModelKind::kResnet) return needs_host("model.kind resnet");
  return std::nullopt;
}

namespace {

Finding check_precision(const Settings& settings) {
  const bool mps = settings.device == "mps" || settings.profile == "mps";
  if (!mps || settings.streaming.dtype == Precision::kFloat32) return std::nullopt;
  return Inconsistency{"streaming.dtype", "float64 does not exist on mps; use float32"};
}

}  // namespace

std::vector<std::string> settings_without_effect(const Settings& settings) {
  std::vector<std::string> keys;
  if (settings.model.kind == ModelKind::kResnet) return keys;
  const ModelSettings usual;
  const ModelSettings& model = settings.model;
  if (model.depth != usual.depth) keys.emplace_back("model.depth");
  if (model.width != usual.width) keys.emplace_back("model.width");
  if (model.first_stride != usual.first_stride) keys.emplace_back("model.first_stride");
  if (model.norm != usual.norm) keys.emplace_back("model.norm");
  return keys;
}

Finding find_inconsistency(const Settings& settings) {
  for (const Finding& finding :
       {check_classes(settings.data), check_class_weights(settings.data),
        check_unannotated(settings), check_inputs(settings.data.cohort), check_labels(settings),
        check_model(settings.model), check_label_names(settings.data), check_slide_loss(settings),
        check_classifier(settings), check_unet(settings), check_cache(settings),
        find_decode_conflict(settings), check_precision(settings)}) {
    if (finding) return finding;
  }
  return std::nullopt;
}

}  // namespace untiled
