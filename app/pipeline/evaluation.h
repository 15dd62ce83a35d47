// Scores of a network on one whole slide, with a picture to look at.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/pipeline/engine.h"
#include "app/pipeline/slide_set.h"
#include "lib/output/preview.h"
#include "lib/train/segmentation_scores.h"
#include "lib/train/trainer.h"

namespace untiled {

/// What a view covers of its slide, at most this large. Throws DataError.
Picture view_thumbnail(std::shared_ptr<const SlideReader> reader, const ViewInfo& view,
                       const Extent& most);
/// A small picture of a slide for previews. Throws DataError.
Picture slide_thumbnail(const SlideInput& input);

/// Loss and counts over the weighted pixels of `input` at inference tiles, and a preview PNG of
/// slide, label and prediction (a file in `folder` while it is made). Throws what reading throws.
/// `ranks`: those that share the work, null for this one alone; rank 0 alone makes the preview, the
/// rest is the same on all.
SlideScore evaluate_slide(const Engine& engine, const Settings& settings,
                          const std::vector<at::Tensor>& parameters, const SlideInput& input,
                          const Picture& thumbnail, const PixelLoss& loss,
                          const PlannedStep& planned, const std::filesystem::path& folder,
                          Group* ranks = nullptr);

/// Counts over the weighted pixels of `input` of a prediction that is labels too, of the same view;
/// and the preview. Throws what reading throws.
SlideScore compare_labels(const Settings& settings, const SlideInput& input,
                          const PixelSource& prediction, const Picture& thumbnail,
                          const std::filesystem::path& folder);

/// Names and colours of the classes in pictures: background and tissue where none are named.
std::vector<LegendEntry> class_legend(const DataSettings& data);

}  // namespace untiled
