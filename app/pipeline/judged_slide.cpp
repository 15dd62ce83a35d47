#include "app/pipeline/judged_slide.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace untiled {

JudgedSlide judge_slide(const TrainedClassifier& classifier, const SharedBatch& batch,
                        const CohortEntry& entry,
                        const std::function<std::shared_ptr<const SlideReader>()>& open,
                        bool with_maps) {
  JudgedSlide judged;
  batch.share(
      [&] {
        const auto reader = open();
        const Settings& settings = classifier.settings();
        judged.held_bytes = reader->info().held_bytes + stain_bytes(settings.data.stain);
        judged.view = make_view(reader, view_options(settings, entry));
        judged.seen = see_pixels(settings, entry, reader, judged.view);
      },
      [&] {
        judged.verdict = std::move(
            classifier
                .judge({judged.seen.pixels.get()}, judged.held_bytes, with_maps, batch.ranks())
                .front());
        if (judged.verdict.failure) std::rethrow_exception(judged.verdict.failure);
      });
  return judged;
}

ClassDetails class_details(const std::vector<std::string>& labels, const SlideVerdict& verdict) {
  const std::vector<double>& probabilities = verdict.probabilities;
  ClassDetails details;
  for (size_t k = 0; k < labels.size(); ++k) {
    details.probabilities.emplace_back(labels[k], probabilities[k]);
  }
  const auto likeliest = std::max_element(probabilities.begin(), probabilities.end());
  details.label = labels[static_cast<size_t>(likeliest - probabilities.begin())];
  return details;
}

}  // namespace untiled
