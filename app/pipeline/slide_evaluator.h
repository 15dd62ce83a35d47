// Slides are scored against references: by running a model, or by comparing masks.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/pipeline/evaluation.h"
#include "app/pipeline/reference_rows.h"
#include "app/pipeline/slide_set.h"
#include "app/pipeline/trained_model.h"
#include "lib/ranks/group.h"

namespace untiled {

struct ScoredSlide {
  SlideScore score;
  Picture thumbnail;  ///< Of the slide.
  /// Tiles that another decoder than the reader's has made, where there is one.
  std::optional<int64_t> decoded_by_nvimgcodec = {};
};

/// Scores slides one way or the other.
class SlideEvaluator {
 public:
  virtual ~SlideEvaluator() = default;
  /// Of all slides; masks of 0 and 255 are what a model without named classes was trained from.
  const Settings& settings() const { return settings_; }
  /// `id` is the slide's name in messages; a file in `folder` is there while a preview is made,
  /// which is not where `folder` is empty. Throws DataError, ConfigError, Interrupted.
  virtual ScoredSlide score(const CohortEntry& entry, const std::string& id,
                            const std::filesystem::path& folder) const = 0;
  /// The files beside the slide that its score is made from. Throws DataError where one must be
  /// there and is not.
  virtual std::vector<std::filesystem::path> files(const CohortEntry& entry,
                                                   const std::string& id) const = 0;
  /// What decodes to other pixels than the slides' readers; empty: nothing does.
  virtual std::string other_decoder() const { return {}; }

 protected:
  explicit SlideEvaluator(Settings settings);
  SlideInput open(const CohortEntry& entry, const std::string& id, const ViewOptions& view,
                  const StainSettings& stain) const;

 private:
  Settings settings_;
};

/// All of `ranks` score each slide together, and have the same result but for the preview, which
/// rank 0 alone makes.
std::unique_ptr<SlideEvaluator> make_model_evaluator(std::unique_ptr<TrainedModel> model,
                                                     Group& ranks);

/// Where masks lie that label or export wrote, and what they called the slides: masks may have
/// these names or, as --deidentify writes them, hashes. Of a row with a region a mask covers the
/// region, in a folder of label the slide.
struct MaskFolder {
  std::filesystem::path path;
  ReferenceRows rows;
};

/// Compares masks with references, at level 0; above 64 megapixels at every d-th pixel of rows and
/// columns. Keeps `ranks`, which share the work.
std::unique_ptr<SlideEvaluator> make_mask_evaluator(Settings settings, const MaskFolder& folder,
                                                    Group& ranks);

}  // namespace untiled
