// A classifier's checkpoint ready to run: its network, its scale, its classes.
#pragma once

#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/pipeline/slide_classifier.h"
#include "app/pipeline/trained_model.h"
#include "lib/ranks/group.h"
#include "lib/train/classifier_checkpoint.h"

namespace untiled {

/// What a classifier says of a slide.
struct SlideVerdict {
  std::vector<double> logits;
  std::vector<double> probabilities;  ///< By class.
  /// Where in the slide the evidence is: each class's probability as if the whole slide looked as
  /// it does at a pixel of the last tensor, classes x rows x cols. The logits behind it (log of a
  /// ratio of two probabilities) have the slide's logits as their mean, for pooling and the last
  /// layer are linear. Where ranks share the slide it is rank 0 that has all of it.
  std::vector<float> map;
  Extent map_extent;
  std::exception_ptr failure;  ///< Of reading, on all ranks alike; the rest then means nothing.
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

  /// Slides that ranks share. A collective call. Throws ConfigError where they do not fit.
  std::vector<SlideVerdict> judge(const std::vector<const PixelSource*>& slides,
                                  int64_t fixed_bytes, bool with_maps, Group& ranks) const;

 private:
  void make_map(const Extent& slide, SlideVerdict& verdict) const;
  void add_to_map(const Region& region, const at::Tensor& features, SlideVerdict& verdict) const;
  void gather_map(const std::vector<Region>& parts, SlideVerdict& verdict, Group& ranks) const;

  Settings settings_;
  ClassifierInfo info_;
  std::unique_ptr<SlideClassifier> classifier_;
  ClassifierWeights weights_;
};

}  // namespace untiled
