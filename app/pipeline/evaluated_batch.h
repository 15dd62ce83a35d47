// A batch whose slides are compared with what a manifest says of them: by masks, or by classes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/batch/shared_batch.h"
#include "app/pipeline/classifier_report.h"
#include "app/pipeline/evaluation_report.h"
#include "app/pipeline/slide_evaluator.h"
#include "app/pipeline/trained_classifier.h"

namespace untiled {

/// What an evaluation keeps beside the report that it writes itself; label's and export's files may
/// lie in the same folder.
BatchNames evaluation_names();

/// After a slide's id: the file with a picture of slide, reference and prediction.
inline constexpr const char* kComparisonEnding = ".comparison.png";

/// Identifies the files beside the slide that decide its score. Throws DataError where one must be
/// there and is not.
std::string scored_files(const SlideEvaluator& evaluator, const CohortEntry& entry,
                         const std::string& id);

/// Rank 0's part of a slide: its score is recorded, and where `draws`, its picture is written to
/// the batch's folder.
SlideResult score_slide(const SlideEvaluator& evaluator, SharedBatch& batch, SlideTask task,
                        bool draws);
/// The part of another rank.
void score_share(const SlideEvaluator& evaluator, const SharedSlide& slide);

/// All slides of the batch that are done.
std::vector<EvaluatedSlide> evaluated_slides(const BatchOutcome& outcome);

/// Leaves pictures of the slides with the lowest Dice, `count` at most, and of no others of these,
/// in the folder `worst` of the batch's folder. Throws DataError.
void keep_worst_pictures(const std::filesystem::path& out,
                         const std::vector<EvaluatedSlide>& slides, int count);

/// The same of a classifier, whose slides have classes in the manifest's column label.
std::string judged_label(const CohortEntry& entry);
SlideResult judge_case(const TrainedClassifier& classifier, SharedBatch& batch, SlideTask task);
void judge_share(const TrainedClassifier& classifier, const SharedBatch& batch,
                 const SharedSlide& slide);
std::vector<JudgedCase> judged_cases(const BatchOutcome& outcome,
                                     const std::vector<CohortEntry>& entries,
                                     const std::vector<std::string>& labels);

/// Those that went well, for predictions.csv: with their true classes.
std::string predictions_csv(const ClassifierReport& report);

}  // namespace untiled
