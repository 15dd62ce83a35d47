#include "app/batch/run_batch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "app/batch/batch_folder.h"
#include "app/batch/failure_count.h"
#include "data/cohort/slide_ids.h"
#include "data/slide/file_kind.h"
#include "data/slide/fingerprint.h"
#include "lib/core/atomic_file.h"
#include "lib/core/hasher.h"
#include "lib/core/json_text.h"
#include "lib/core/number.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"
#include "lib/core/stopwatch.h"
#include "lib/output/jpeg_encoder.h"
#include "lib/zarr/array_reader.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr Extent kThumbnail = {180, 180};
constexpr int kThumbnailQuality = 80;
/// Progress counts thousandths of slides.
constexpr int64_t kUnitsPerSlide = 1000;

/// Why a file cannot be a slide, before anything is read.
void require_slide_file(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) {
    throw SlideFailure("missing", fmt::format("{}: there is no such file", path.string()));
  }
  if (::access(path.c_str(), R_OK) != 0) {
    throw SlideFailure("no_permission",
                       fmt::format("{}: may not be read by this user", path.string()));
  }
  if (fs::is_regular_file(status) && fs::file_size(path, error) == 0) {
    throw SlideFailure("empty_file", fmt::format("{}: the file is empty", path.string()));
  }
}

/// Of what could not be opened: damaged images are not the same as files that never were any.
const char* reason_code(const fs::path& path) {
  std::error_code none;
  if (is_zarr_folder(path)) return "unreadable";
  if (fs::is_directory(path, none)) return "folder";
  const bool is_image = fs::is_regular_file(path, none) && file_kind(path) != FileKind::kOther;
  return is_image ? "unreadable" : "not_a_slide";
}

/// What an image or strip that is decoded whole takes: its colours and what marks missing pixels.
constexpr int64_t kBytesPerPixel = 4;

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

/// The code of failures for which the settings are to blame.
constexpr const char* kSettingsCode = "settings";

/// What a failure is called, and a sentence.
struct Failure {
  std::string code;
  std::string reason;
};

class BatchRun {
 public:
  BatchRun(const BatchOptions& options, const SlideWork& work)
      : options_(options),
        work_(work),
        folder_(options.out),
        named_ids_(entry_ids(options.slides)),
        ids_(named_ids_),
        reused_(ids_.size(), true) {
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

  int run() {
    try {
      do_all();
    } catch (const Interrupted&) {
      write_reports();
      throw;
    }
    find_ids_of_other_shards();
    write_reports();
    if (options_.json) print_json();
    return failures_.exit_code();
  }

 private:
  enum class Outcome { kDone, kElsewhere };

  /// What is known of a slide before work on it begins.
  struct Prepared {
    std::shared_ptr<const SlideReader> reader;  ///< Closed while the slide waits.
    SlideReport report;
    std::optional<Failure> failure;
    double seconds = 0;
  };

  void write_reports() {
    std::vector<std::string> ids = ids_;
    for (size_t i = 0; i < ids.size(); ++i) {  // No names of slides that were not reached.
      if (options_.deidentify && ids[i] == named_ids_[i]) ids[i].clear();
    }
    try {
      folder_.write_reports(ids, reused_);
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
    if (!accept_found(slide, prepared)) {
      std::optional<Lease> lease;
      const auto failure = failure_of([&] { lease = folder_.take_lease(ids_[slide]); });
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

  /// With the lease: takes what its last owner did, or does it. False: another took it over.
  bool finish(size_t slide, const Prepared& prepared, const Lease& lease, Progress& progress) {
    return accept_found(slide, prepared) ||
           do_slide(slide, prepared, lease, progress) == Outcome::kDone;
  }

  Prepared prepare(size_t slide) {
    const Stopwatch watch;
    const CohortEntry& entry = options_.slides[slide];
    Prepared prepared;
    prepared.failure = failure_of([&] {
      prepared.reader = open_for_batch(entry.path, options_.memory_budget);
      const SlideInfo& info = prepared.reader->info();
      prepared.report = facts_of(info, entry);
      if (options_.deidentify) ids_[slide] = anonymous(slide, info);
    });
    if (options_.deidentify && ids_[slide] == named_ids_[slide]) ids_[slide] = numbered(slide);
    SlideReport& report = prepared.report;
    report.slide_id = ids_[slide];
    if (!options_.deidentify) report.path = entry.path.string();
    report.settings_hash = settings_hash_of(entry);
    report.model_hash = options_.model_hash;
    report.version = UNTILED_VERSION;
    prepared.seconds = watch.seconds();
    return prepared;
  }

  /// Takes over what another process, or an earlier run of the same work, recorded.
  bool accept_found(size_t slide, const Prepared& prepared) {
    auto found = folder_.find_new(ids_[slide]);
    if (!found && !prepared.failure) {
      const SlideReport& now = prepared.report;
      found = folder_.find_done(ids_[slide], {now.fingerprint, now.settings_hash, now.model_hash},
                                outputs_of(slide));
    }
    if (!found) return false;
    accept(slide, *found);
    return true;
  }

  void accept(size_t slide, const SlideReport& report) {
    if (report.status == SlideStatus::kFailed) {
      failures_.add_failure(report.reason_code == kSettingsCode);
    }
    print(report);
    reports_[slide] = report;
  }

  /// With the lease. kElsewhere: another process took it over.
  Outcome do_slide(size_t slide, const Prepared& prepared, const Lease& lease, Progress& progress) {
    SlideResult result{prepared.report, {}, {}, {}};
    auto failure = prepared.failure;
    if (!failure) {
      failure = failure_of([&] {
        require_own_outputs(slide);
        folder_.begin(ids_[slide], outputs_of(slide));
        result = work_on(slide, prepared, progress);
      });
    }
    if (failure) options_.go_on();
    if (!lease.is_ours()) return Outcome::kElsewhere;
    if (!failure) failure = failure_of([&] { require_unchanged(slide, prepared); });
    if (!failure) failure = failure_of([&] { record(result); });
    if (failure) {
      const SlideResult told{tell(slide, prepared, *failure), {}, {}, {}};
      failure_of([&] { record(told); });  // On a full disk write_reports says so.
    } else {
      reused_[slide] = false;
      measured_[slide] = result.measured;
      accept(slide, result.report);
    }
    return Outcome::kDone;
  }

  /// What is told of a failure; it is recorded with the lease only.
  SlideReport tell(size_t slide, const Prepared& prepared, const Failure& failure) {
    print_error(options_.deidentify ? shown(slide) + ": " + failure.code : failure.reason);
    SlideReport report = failed(slide, prepared, failure);
    reused_[slide] = false;
    accept(slide, report);
    return report;
  }

  SlideResult work_on(size_t slide, const Prepared& prepared, Progress& progress) {
    for (const std::string& warning : prepared.report.warnings) {
      warn(ids_[slide] + ": " + warning);
    }
    const CohortEntry& entry = options_.slides[slide];
    auto reader =
        prepared.reader ? prepared.reader : open_for_batch(entry.path, options_.memory_budget);
    SlideResult result = work_(
        {slide, entry, std::move(reader), folder_.path(), progress_of(progress), prepared.report});
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
    folder_.record(result.report, to_jpeg(result.thumbnail), result.seconds);
  }

  /// What went wrong in `work`, if anything did; a stop passes.
  static std::optional<Failure> failure_of(const std::function<void()>& work) {
    try {
      work();
      return std::nullopt;
    } catch (const Interrupted&) {
      throw;
    } catch (const SlideFailure& error) {
      return Failure{error.code(), error.what()};
    } catch (const WriteError& error) {
      return Failure{"not_written", error.what()};
    } catch (const DataError& error) {
      return Failure{"unreadable", error.what()};
    } catch (const ConfigError& error) {
      return Failure{kSettingsCode, error.what()};
    } catch (const std::exception& error) {
      return Failure{"internal", fmt::format("a fault of this program: {}", error.what())};
    }
  }

  SlideReport failed(size_t slide, const Prepared& prepared, const Failure& failure) const {
    SlideReport report = prepared.report;
    report.slide_id = ids_[slide];
    report.status = SlideStatus::kFailed;
    report.reason_code = failure.code;
    report.reason = options_.deidentify ? "left out" : failure.reason;
    return report;
  }

  /// A row's own scale and region decide its outputs too.
  std::string settings_hash_of(const CohortEntry& entry) const {
    if (!entry.mpp && !entry.region) return options_.settings_hash;
    return hash_of(fmt::format("{} {} {}", options_.settings_hash, entry.mpp.value_or(0),
                               to_string(entry.region.value_or(Region{}))));
  }

  std::vector<std::string> outputs_of(size_t slide) const {
    std::vector<std::string> names;
    for (const std::string& ending : options_.endings) names.push_back(ids_[slide] + ending);
    return names;
  }

  /// Outputs replace neither the batch's slides and masks nor files that people made.
  void require_own_outputs(size_t slide) const {
    for (const std::string& name : outputs_of(slide)) {
      const fs::path output = fs::absolute(folder_.path() / name).lexically_normal();
      if (!inputs_.contains(output)) continue;
      throw SlideFailure("exists", fmt::format("{}: this output would replace an input of the "
                                               "batch; give --out another folder",
                                               output.string()));
    }
    if (const auto file = folder_.find_foreign(ids_[slide], outputs_of(slide))) {
      throw SlideFailure("exists", fmt::format("{}: is there, and not from a run of label or "
                                               "export in this folder; move it, or give --out "
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

  /// Regions of one slide keep what tells them apart.
  std::string anonymous(size_t slide, const SlideInfo& info) const {
    const auto& region = options_.slides[slide].region;
    return anonymous_id(info) + (region ? region_suffix(*region) : "");
  }

  /// Reports are of all slides, also of those that other processes do.
  void find_ids_of_other_shards() {
    for (size_t i = 0; i < ids_.size() && options_.deidentify; ++i) {
      if (ids_[i] != named_ids_[i]) continue;
      try {
        ids_[i] =
            anonymous(i, open_for_batch(options_.slides[i].path, options_.memory_budget)->info());
      } catch (const DataError&) {
        ids_[i] = numbered(i);
      }
    }
  }

  std::string shown(size_t slide) const {
    return options_.deidentify ? numbered(slide) : ids_[slide];
  }

  void print(const SlideReport& report) const {
    if (options_.json) return;
    std::string line = report.slide_id + ": " + to_string(report.status);
    if (report.tissue_fraction) line += fmt::format(", {:.1f} %", 100 * *report.tissue_fraction);
    if (report.area_mm2) line += fmt::format(", {:.2f} mm2", *report.area_mm2);
    if (report.confidence) line += fmt::format(", confidence {:.2f}", *report.confidence);
    if (!report.reason.empty()) line += ": " + report.reason;
    fmt::print("{}\n", printable(line));
  }

  void print_json() const {
    nlohmann::ordered_json slides = nlohmann::ordered_json::array();
    for (const auto& [slide, report] : reports_) {
      slides.push_back(to_flat_json(report));
      const auto measured = measured_.find(slide);
      if (measured != measured_.end()) slides.back().update(measured->second);
    }
    nlohmann::ordered_json document = {{"slides", slides}, {"failed", failures_.failed}};
    if (options_.summarise) options_.summarise(document);
    fmt::print("{}\n", json_text(document, 2));
  }

  const BatchOptions& options_;
  const SlideWork& work_;
  BatchFolder folder_;
  std::vector<std::string> named_ids_;
  std::vector<std::string> ids_;  ///< Those of the outputs: anonymous ones once they are known.
  std::vector<bool> reused_;
  std::vector<size_t> mine_;
  size_t done_ = 0;
  FailureCount failures_;
  std::map<size_t, SlideReport> reports_;  ///< Of this process's slides, by their place.
  std::map<size_t, nlohmann::ordered_json> measured_;  ///< Of those that this process did.
  std::map<size_t, Prepared> prepared_;                ///< Of slides that wait for other processes.
  std::set<fs::path> inputs_;
  std::atomic<int64_t> units_ = 0;  ///< Of the slide in work.
};

}  // namespace

std::shared_ptr<const SlideReader> open_for_batch(const fs::path& path, int64_t memory_budget) {
  require_slide_file(path);
  OpenOptions options;
  options.max_image_pixels = std::min(options.max_image_pixels, memory_budget / kBytesPerPixel);
  try {
    return open_slide(path, options);
  } catch (const DataError& error) {
    throw SlideFailure(reason_code(path), error.what());
  }
}

Shard parse_shard(const std::string& text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const auto index = parse_number<int64_t>(text.substr(0, slash));
  const auto count = parse_number<int64_t>(text.substr(std::min(slash + 1, text.size())));
  if (!index || !count || *count < 1 || *index < 0 || *index > *count) {
    throw ConfigError(fmt::format(
        "--shard {}: expected i/N, the part i (1 to N, or 0 to N - 1) of N parts", text));
  }
  return {.index = *index % *count, .count = *count};
}

int run_batch(const BatchOptions& options, const SlideWork& work) {
  return BatchRun(options, work).run();
}

}  // namespace untiled
