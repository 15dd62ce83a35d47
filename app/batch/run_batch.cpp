#include "app/batch/run_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "app/batch/batch_folder.h"
#include "app/batch/batch_slide.h"
#include "app/batch/failed_work.h"
#include "app/batch/failure_count.h"
#include "data/cohort/slide_ids.h"
#include "data/slide/fingerprint.h"
#include "lib/core/atomic_file.h"
#include "lib/core/hasher.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"
#include "lib/core/stopwatch.h"
#include "lib/output/jpeg_encoder.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr Extent kThumbnail = {180, 180};
constexpr int kThumbnailQuality = 80;
/// Progress counts thousandths of slides.
constexpr int64_t kUnitsPerSlide = 1000;

SlideReport facts_of(const SlideInfo& slide, const CohortEntry& entry) {
  SlideReport report;
  report.vendor = slide.vendor;
  report.extent = slide.levels.front().extent;
  report.mpp_x = slide.mpp_x;
  report.mpp_y = slide.mpp_y;
  report.mpp_source = slide.mpp_source;
  if (entry.mpp) {
    report.mpp_x = report.mpp_y = entry.mpp;
    report.mpp_source = "stated";
  }
  report.warnings = slide.warnings;
  report.fingerprint = fingerprint(slide);
  return report;
}

Bytes to_jpeg(const Picture& picture) {
  if (picture.extent.empty()) return {};
  const Picture small = shrink(picture, fit_into(picture.extent, kThumbnail));
  return encode_jpeg(small.rgb, small.extent, kThumbnailQuality);
}

BatchNames names_of(const BatchOptions& options) {
  BatchNames names = options.names;
  if (names.verb.empty()) names.verb = options.title;
  return names;
}

class BatchRun {
 public:
  BatchRun(const BatchOptions& options, const SlideWork& work)
      : options_(options),
        work_(work),
        named_ids_(options.ids.empty() ? entry_ids(options.slides) : options.ids),
        ids_(named_ids_),
        reused_(ids_.size(), true) {
    if (!options.out.empty()) folder_.emplace(options.out, names_of(options));
    for (size_t i = 0; i < ids_.size(); ++i) {
      const auto place = static_cast<int64_t>(i) % options.shard.count;
      if (place == options.shard.index) mine_.push_back(i);
    }
    failures_.slides = mine_.size();
    for (const CohortEntry& entry : options.slides) {
      inputs_.insert(fs::absolute(entry.path).lexically_normal());
      if (!entry.mask.empty()) inputs_.insert(fs::absolute(entry.mask).lexically_normal());
    }
  }

  BatchOutcome run() {
    try {
      do_all();
    } catch (const Interrupted&) {
      write_reports();
      throw;
    }
    find_ids_of_other_shards();
    write_reports();
    return {mine(), all(), failures_.failed, failures_.exit_code()};
  }

 private:
  enum class Outcome { kDone, kElsewhere };

  /// What is known of a slide before work on it begins.
  struct Prepared {
    std::shared_ptr<const SlideReader> reader;  ///< Closed while the slide waits.
    SlideReport report;
    std::optional<FailedWork> failure;
    double seconds = 0;
  };

  void write_reports() {
    if (!folder_) return;
    std::vector<std::string> ids = ids_;
    for (size_t i = 0; i < ids.size(); ++i) {  // No names of slides that were not reached.
      if (options_.deidentify && ids[i] == named_ids_[i]) ids[i].clear();
    }
    try {
      folder_->write_reports(ids, reused_);
    } catch (const WriteError& error) {
      if (failures_.failed == 0) throw;
      warn(error.what());  // Its slides failed for the same reason, a full disk say.
    }
  }

  void do_all() {
    constexpr std::chrono::milliseconds kShortest{200};
    constexpr std::chrono::milliseconds kLongest{3000};
    Progress progress(options_.title, static_cast<int64_t>(mine_.size()) * kUnitsPerSlide);
    std::deque<size_t> waiting(mine_.begin(), mine_.end());
    size_t others = 0;  // Slides in turn that other processes are at.
    auto pause = kShortest;
    while (!waiting.empty()) {
      throw_if_stopped();
      options_.go_on();
      const size_t slide = waiting.front();
      waiting.pop_front();
      if (attempt(slide, progress) == Outcome::kDone) {
        ++done_;
        others = 0;
        pause = kShortest;
        continue;
      }
      waiting.push_back(slide);
      if (++others < waiting.size()) continue;
      std::this_thread::sleep_for(pause);
      pause = std::min(2 * pause, kLongest);
      others = 0;
    }
  }

  Outcome attempt(size_t slide, Progress& progress) {
    units_ = 0;
    progress.set_status(fmt::format("slide {} of {}, {}", done_ + 1, mine_.size(), shown(slide)));
    if (!prepared_.contains(slide)) prepared_[slide] = prepare(slide);
    Prepared& prepared = prepared_[slide];
    if (!folder_) {
      do_unkept(slide, prepared, progress);
    } else if (!accept_found(slide, prepared)) {
      std::optional<Lease> lease;
      const auto failure = failure_in([&] { lease = folder_->take_lease(ids_[slide]); });
      if (failure) {  // The folder cannot be written.
        tell(slide, prepared, {failure->code, shown(slide) + ": " + failure->reason});
      } else if (!lease || !finish(slide, prepared, *lease, progress)) {
        prepared.reader.reset();
        return Outcome::kElsewhere;
      }
    }
    prepared_.erase(slide);
    progress.advance(kUnitsPerSlide - units_);
    return Outcome::kDone;
  }

  /// Where nothing is kept, nobody else is at the slide.
  void do_unkept(size_t slide, Prepared& prepared, Progress& progress) {
    SlideResult result;
    auto failure = prepared.failure;
    if (!failure) failure = failure_in([&] { result = work_on(slide, prepared, progress); });
    if (failure) options_.go_on();
    if (!failure) failure = failure_in([&] { require_unchanged(slide, prepared); });
    if (failure) {
      tell(slide, prepared, *failure);
    } else {
      accept_done(slide, result);
    }
  }

  /// With the lease: takes what its last owner did, or does it. False: another took it over.
  bool finish(size_t slide, Prepared& prepared, const Lease& lease, Progress& progress) {
    return accept_found(slide, prepared) ||
           do_slide(slide, prepared, lease, progress) == Outcome::kDone;
  }

  Prepared prepare(size_t slide) {
    const Stopwatch watch;
    const CohortEntry& entry = options_.slides[slide];
    Prepared prepared;
    prepared.failure = failure_in([&] {
      prepared.reader = open_for_batch(entry.path, options_.memory_budget);
      const SlideInfo& info = prepared.reader->info();
      prepared.report = facts_of(info, entry);
      if (options_.deidentify) ids_[slide] = anonymous_entry_id(entry, info);
    });
    if (options_.deidentify && ids_[slide] == named_ids_[slide]) ids_[slide] = numbered(slide);
    const auto failure =
        failure_in([&] { prepared.report.settings_hash = settings_hash_of(slide); });
    if (!prepared.failure) prepared.failure = failure;
    SlideReport& report = prepared.report;
    report.slide_id = ids_[slide];
    if (!options_.deidentify) report.path = entry.path.string();
    report.model_hash = options_.model_hash;
    report.version = UNTILED_VERSION;
    prepared.seconds = watch.seconds();
    return prepared;
  }

  /// Takes over what another process, or an earlier run of the same work, recorded.
  bool accept_found(size_t slide, const Prepared& prepared) {
    const SlideReport& now = prepared.report;
    const WorkIdentity identity{now.fingerprint, now.settings_hash, now.model_hash};
    auto found = folder_->find_new(ids_[slide], identity);
    if (!found && !prepared.failure) {
      found = folder_->find_done(ids_[slide], identity, outputs_of(slide));
    }
    if (!found) return false;
    accept(slide, *found);
    return true;
  }

  void accept(size_t slide, const SlideReport& report) {
    if (report.status == SlideStatus::kFailed) {
      failures_.add_failure(report.reason_code == kSettingsCode);
    }
    options_.tell(report);
    done_slides_[slide] = {slide, report, {}};
  }

  void accept_done(size_t slide, const SlideResult& result) {
    reused_[slide] = false;
    accept(slide, result.report);
    done_slides_[slide].costs = result.costs;
  }

  /// With the lease. kElsewhere: another process took it over.
  Outcome do_slide(size_t slide, Prepared& prepared, const Lease& lease, Progress& progress) {
    SlideResult result;
    auto failure = prepared.failure;
    if (!failure) {
      failure = failure_in([&] {
        require_own_outputs(slide);
        folder_->begin(ids_[slide], outputs_of(slide));
        result = work_on(slide, prepared, progress);
      });
    }
    if (failure) options_.go_on();
    if (!lease.is_ours()) return Outcome::kElsewhere;
    if (!failure) failure = failure_in([&] { require_unchanged(slide, prepared); });
    if (!failure) failure = failure_in([&] { record(result); });
    if (failure) {
      const SlideResult told{tell(slide, prepared, *failure), {}, {}, {}};
      failure_in([&] { record(told); });  // On a full disk write_reports says so.
    } else {
      accept_done(slide, result);
    }
    return Outcome::kDone;
  }

  /// What is told of a failure; it is recorded with the lease only.
  SlideReport tell(size_t slide, const Prepared& prepared, const FailedWork& failure) {
    print_error(options_.deidentify ? shown(slide) + ": " + failure.code : failure.reason);
    SlideReport report = failed(slide, prepared, failure);
    reused_[slide] = false;
    accept(slide, report);
    return report;
  }

  SlideResult work_on(size_t slide, Prepared& prepared, Progress& progress) {
    for (const std::string& warning : prepared.report.warnings) {
      warn(ids_[slide] + ": " + warning);
    }
    const CohortEntry& entry = options_.slides[slide];
    auto reader = std::exchange(prepared.reader, nullptr);
    if (!reader) reader = open_for_batch(entry.path, options_.memory_budget);
    SlideResult result = work_(
        {slide, entry, std::move(reader), options_.out, progress_of(progress), prepared.report});
    result.seconds.insert(result.seconds.begin(), {"open", prepared.seconds});
    return result;
  }

  /// What was written would be of two slides, and be recorded as of the first.
  void require_unchanged(size_t slide, const Prepared& prepared) const {
    const SlideReport& report = prepared.report;
    const auto now = open_for_batch(options_.slides[slide].path, options_.memory_budget);
    if (fingerprint(now->info()) == report.fingerprint) return;
    throw SlideFailure("changed", fmt::format("{}: was changed while it was read; run the same "
                                              "command again",
                                              options_.slides[slide].path.string()));
  }

  void record(const SlideResult& result) const {
    folder_->record(result.report, to_jpeg(result.thumbnail), result.seconds);
  }

  SlideReport failed(size_t slide, const Prepared& prepared, const FailedWork& failure) const {
    SlideReport report = prepared.report;
    report.slide_id = ids_[slide];
    report.status = SlideStatus::kFailed;
    report.reason_code = failure.code;
    report.reason = options_.deidentify ? "left out" : failure.reason;
    return report;
  }

  /// A row's own scale and region decide its outputs too, and other files of it may. Throws what
  /// reading those throws.
  std::string settings_hash_of(size_t slide) const {
    const CohortEntry& entry = options_.slides[slide];
    const std::string others = options_.made_from ? options_.made_from(entry, ids_[slide]) : "";
    if (!entry.mpp && !entry.region && others.empty()) return options_.settings_hash;
    return hash_of(fmt::format("{} {} {}{}", options_.settings_hash, entry.mpp.value_or(0),
                               to_string(entry.region.value_or(Region{})), others));
  }

  std::vector<std::string> outputs_of(size_t slide) const {
    std::vector<std::string> names;
    for (const std::string& ending : options_.endings) names.push_back(ids_[slide] + ending);
    return names;
  }

  /// Outputs replace neither the batch's slides and masks nor files that people made.
  void require_own_outputs(size_t slide) const {
    for (const std::string& name : outputs_of(slide)) {
      const fs::path output = fs::absolute(options_.out / name).lexically_normal();
      if (!inputs_.contains(output)) continue;
      throw SlideFailure("exists", fmt::format("{}: this output would replace an input of the "
                                               "batch; give --out another folder",
                                               output.string()));
    }
    if (const auto file = folder_->find_foreign(ids_[slide], outputs_of(slide))) {
      throw SlideFailure("exists", fmt::format("{}: is there, and not from a run of this "
                                               "program in this folder; move it, or give --out "
                                               "another folder",
                                               file->string()));
    }
  }

  std::function<void(double)> progress_of(Progress& progress) {
    return [this, &progress](double part) {
      const auto units = static_cast<int64_t>(part * kUnitsPerSlide);
      const int64_t before = units_.exchange(units);
      if (units > before) progress.advance(units - before);
    };
  }

  /// A slide's name in outputs where its fingerprint is not known.
  static std::string numbered(size_t slide) { return fmt::format("input-{}", slide + 1); }

  /// Reports are of all slides, also of those that other processes do.
  void find_ids_of_other_shards() {
    for (size_t i = 0; i < ids_.size() && options_.deidentify; ++i) {
      if (ids_[i] != named_ids_[i]) continue;
      const CohortEntry& entry = options_.slides[i];
      try {
        ids_[i] =
            anonymous_entry_id(entry, open_for_batch(entry.path, options_.memory_budget)->info());
      } catch (const DataError&) {
        ids_[i] = numbered(i);
      }
    }
  }

  std::string shown(size_t slide) const {
    return options_.deidentify ? numbered(slide) : ids_[slide];
  }

  std::vector<DoneSlide> mine() const {
    std::vector<DoneSlide> slides;
    for (const auto& [place, slide] : done_slides_) slides.push_back(slide);
    return slides;
  }

  /// Other shards' slides too, where they are of the same work.
  std::vector<DoneSlide> all() const {
    std::vector<DoneSlide> slides;
    for (size_t i = 0; i < ids_.size(); ++i) {
      if (const auto own = done_slides_.find(i); own != done_slides_.end()) {
        slides.push_back(own->second);
      } else if (const auto other = find_of_other_shard(i)) {
        slides.push_back({i, *other, {}});
      }
    }
    return slides;
  }

  std::optional<SlideReport> find_of_other_shard(size_t slide) const {
    if (!folder_) return std::nullopt;
    auto report = folder_->find_recorded(ids_[slide]);
    std::string hash;
    failure_in([&] { hash = settings_hash_of(slide); });  // That process told it.
    const bool is_same = report && report->settings_hash == hash &&
                         report->model_hash == options_.model_hash &&
                         report->version == UNTILED_VERSION;
    return is_same ? report : std::nullopt;
  }

  const BatchOptions& options_;
  const SlideWork& work_;
  std::optional<BatchFolder> folder_;  ///< None where nothing is kept.
  std::vector<std::string> named_ids_;
  std::vector<std::string> ids_;  ///< Those of the outputs: anonymous ones once they are known.
  std::vector<bool> reused_;
  std::vector<size_t> mine_;
  size_t done_ = 0;
  FailureCount failures_;
  std::map<size_t, DoneSlide> done_slides_;  ///< This process's, by their place.
  std::map<size_t, Prepared> prepared_;      ///< Of slides that wait for other processes.
  std::set<fs::path> inputs_;
  std::atomic<int64_t> units_ = 0;  ///< Of the slide in work.
};

}  // namespace

BatchOutcome run_batch(const BatchOptions& options, const SlideWork& work) {
  return BatchRun(options, work).run();
}

}  // namespace untiled
