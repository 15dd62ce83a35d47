// A batch each of whose slides ranks share: rank 0 runs it, and calls the others to each slide.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "app/batch/run_batch.h"
#include "lib/ranks/group.h"

namespace untiled {

/// A slide that rank 0 has called for.
struct SharedSlide {
  size_t place;  ///< In BatchOptions::slides.
  const CohortEntry& entry;
  std::string slide_id;  ///< As rank 0 calls it.
  /// What writers hold on rank 0, which counts on all, for they make one plan.
  int64_t output_bytes = 0;
  /// Throws SlideFailure, and DataError where this rank sees another file than rank 0.
  std::function<std::shared_ptr<const SlideReader>()> open;
};

/// One thread; of each rank.
class SharedBatch {
 public:
  /// All ranks make one alike. Keeps references. Throws ConfigError where ranks have other slides,
  /// settings or weights than rank 0.
  SharedBatch(Group& ranks, const BatchOptions& options);

  Group& ranks() const { return ranks_; }

  /// Rank 0: see run_batch. What is to be done of a slide by all ranks lies between `call` and the
  /// end of `share`. A failure of the ranks themselves ends the batch.
  BatchOutcome lead(const SlideWork& work);
  void call(const SlideTask& task, int64_t output_bytes);

  /// The other ranks: does `work`, which is `share`, for each slide that is called for. What that
  /// throws is rank 0's to tell.
  void follow(const std::function<void(const SharedSlide&)>& work);

  /// A collective call: this rank's `open`, then `work` where all could open. Throws on all ranks
  /// what has failed on one, see Together.
  void share(const std::function<void()>& open, const std::function<void()>& work) const;

 private:
  struct Call;
  void broadcast(Call& call, std::string& slide_id);

  Group& ranks_;
  const BatchOptions& options_;
};

}  // namespace untiled
