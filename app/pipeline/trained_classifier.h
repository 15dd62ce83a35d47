// A classifier's checkpoint ready to run: its network, its scale, its classes.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/pipeline/slide_classifier.h"
#include "app/pipeline/trained_model.h"
#include "lib/train/classifier_checkpoint.h"

namespace untiled {

/// What a classifier says of a slide.
struct SlideVerdict {
  std::vector<double> logits;
  std::vector<double> probabilities;  ///< By class.
  /// Where in the slide the evidence is: each class's probability as if the whole slide looked as
  /// it does at a pixel of the last tensor, classes x rows x cols. The logits behind it (log of a
  /// ratio of two probabilities) have the slide's logits as their mean, for pooling and the last
  /// layer are linear.
  std::vector<float> map;
  Extent map_extent;
};

class TrainedClassifier {
 public:
  /// Throws DataError (the file), ConfigError (the device).
  TrainedClassifier(const Settings& settings, const std::filesystem::path& checkpoint,
                    const ModelScale& scale);

  /// The settings with the checkpoint's network, classes, scale and stains.
  const Settings& settings() const { return settings_; }
  const ClassifierInfo& info() const { return info_; }
  /// Level-0 pixels of the view to one pixel of the map.
  int64_t map_stride() const;

  /// Throws ConfigError where the slide does not fit the budget beside `fixed_bytes`, and what
  /// reading throws.
  SlideVerdict judge(const PixelSource& pixels, int64_t fixed_bytes, bool with_map) const;

 private:
  void add_to_map(const Region& region, const at::Tensor& features, SlideVerdict& verdict) const;

  Settings settings_;
  ClassifierInfo info_;
  std::unique_ptr<SlideClassifier> classifier_;
  ClassifierWeights weights_;
};

}  // namespace untiled
