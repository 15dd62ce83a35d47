// Scores of a network on one whole slide, with a picture to look at.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/pipeline/engine.h"
#include "app/pipeline/slide_set.h"
#include "app/pipeline/thumbnail_classes.h"
#include "lib/output/preview.h"
#include "lib/ranks/exact_sum.h"
#include "lib/train/segmentation_scores.h"
#include "lib/train/trainer.h"

namespace untiled {

/// What a view covers of its slide, at most this large. Throws DataError.
Picture view_thumbnail(std::shared_ptr<const SlideReader> reader, const ViewInfo& view,
                       const Extent& most);
/// A small picture of a slide for previews. Throws DataError.
Picture slide_thumbnail(const SlideInput& input);

/// Loss and counts of one slide that ranks share, over its weighted pixels and at inference tiles:
/// each rank's tiles first, then all together.
class SlideScorer {
 public:
  /// Keeps references, to `ranks` too.
  SlideScorer(const Engine& engine, const Settings& settings, const SlideInput& input,
              const Extent& thumbnail, const PixelLoss& loss, Group& ranks);

  /// This rank's tiles. A collective call at its beginning; throws what reading throws.
  void score_tiles(const std::vector<at::Tensor>& parameters, const PlannedStep& planned);
  /// Of all ranks, the same on all; no preview yet. A collective call.
  SlideScore unite();
  /// After `unite`: a PNG of slide, label and prediction; a file in `folder` while it is made.
  std::string preview(const Picture& thumbnail, const std::filesystem::path& folder) const;

 private:
  const Engine& engine_;
  const Settings& settings_;
  const SlideInput& input_;
  const PixelLoss& loss_;
  Group& ranks_;
  std::vector<double> weights_;
  SegmentationCounts counts_;
  ExactSum sums_;
  ThumbnailClasses labels_;
  ThumbnailClasses predictions_;
};

/// All of that where the failure of one rank is that of all; rank 0 alone makes the preview.
SlideScore evaluate_slide(const Engine& engine, const Settings& settings,
                          const std::vector<at::Tensor>& parameters, const SlideInput& input,
                          const Picture& thumbnail, const PixelLoss& loss,
                          const PlannedStep& planned, const std::filesystem::path& folder,
                          Group& ranks);

/// Counts over the weighted pixels of `input` of a prediction that is labels too, of the same view;
/// each rank compares some rows, and rank 0 makes the preview unless `folder` is empty. A
/// collective call; throws what reading throws, on all ranks.
SlideScore compare_labels(const Settings& settings, const SlideInput& input,
                          const PixelSource& prediction, const Picture& thumbnail,
                          const std::filesystem::path& folder, Group& ranks);

/// Names and colours of the classes in pictures: background and tissue where none are named.
std::vector<LegendEntry> class_legend(const DataSettings& data);

}  // namespace untiled
