#include "app/batch/run_batch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "app/batch/batch_folder.h"
#include "app/batch/failure_count.h"
#include "data/cohort/slide_ids.h"
#include "data/slide/fingerprint.h"
#include "lib/core/atomic_file.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"
#include "lib/output/jpeg_encoder.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

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

std::shared_ptr<const SlideReader> open_checked(const fs::path& path) {
  require_slide_file(path);
  try {
    return open_slide(path);
  } catch (const DataError& error) {
    std::error_code none;
    throw SlideFailure(fs::is_directory(path, none) ? "folder" : "not_a_slide", error.what());
  }
}

SlideReport facts_of(const SlideInfo& slide) {
  SlideReport report;
  report.vendor = slide.vendor;
  report.extent = slide.levels.front().extent;
  report.mpp_x = slide.mpp_x;
  report.mpp_y = slide.mpp_y;
  report.mpp_source = slide.mpp_source;
  report.warnings = slide.warnings;
  report.fingerprint = fingerprint(slide);
  return report;
}

Bytes to_jpeg(const Picture& picture) {
  if (picture.extent.empty()) return {};
  const Picture small = shrink(picture, fit_into(picture.extent, kThumbnail));
  return encode_jpeg(small.rgb, small.extent, kThumbnailQuality);
}

/// What a failure is called and whether the settings are to blame.
struct Failure {
  std::string code;
  std::string reason;
  bool by_settings = false;
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
  }

  int run() {
    try {
      do_all();
    } catch (const Interrupted&) {
      folder_.write_reports(ids_, reused_);
      throw;
    }
    find_ids_of_other_shards();
    write_reports();
    if (options_.json) print_json();
    return failures_.exit_code();
  }

 private:
  enum class Outcome { kDone, kElsewhere };

  void write_reports() {
    try {
      folder_.write_reports(ids_, reused_);
    } catch (const WriteError& error) {
      if (failures_.failed == 0) throw;
      warn(error.what());  // Its slides failed for the same reason, a full disk say.
    }
  }

  void do_all() {
    Progress progress(options_.title, static_cast<int64_t>(mine_.size()) * kUnitsPerSlide);
    std::deque<size_t> waiting(mine_.begin(), mine_.end());
    size_t others = 0;  // Slides in turn that other processes are at.
    while (!waiting.empty()) {
      throw_if_stopped();
      const size_t slide = waiting.front();
      waiting.pop_front();
      if (attempt(slide, progress) == Outcome::kDone) {
        others = 0;
        continue;
      }
      waiting.push_back(slide);
      constexpr std::chrono::milliseconds kPause{200};
      if (++others >= waiting.size()) std::this_thread::sleep_for(kPause);
    }
  }

  Outcome attempt(size_t slide, Progress& progress) {
    units_ = 0;
    progress.set_status(fmt::format("slide {} of {}, {}", done_ + 1, mine_.size(), shown(slide)));
    std::optional<Failure> failure;
    try {
      if (do_slide(slide, progress) == Outcome::kElsewhere) return Outcome::kElsewhere;
    } catch (const SlideFailure& error) {
      failure = Failure{error.code(), error.what()};
    } catch (const WriteError& error) {
      failure = Failure{"not_written", error.what()};
    } catch (const DataError& error) {
      failure = Failure{"unreadable", error.what()};
    } catch (const ConfigError& error) {
      failure = Failure{"settings", error.what(), true};
    }
    if (failure) record_failure(slide, *failure);
    ++done_;
    progress.advance(kUnitsPerSlide - units_);
    return Outcome::kDone;
  }

  Outcome do_slide(size_t slide, Progress& progress) {
    const CohortEntry& entry = options_.slides[slide];
    if (const auto failure = folder_.find_new_failure(ids_[slide])) {
      count_failure(*failure);
      reports_.push_back(*failure);
      return Outcome::kDone;
    }
    const auto started = Clock::now();
    const auto reader = open_checked(entry.path);
    SlideReport report = facts_of(reader->info());
    if (options_.deidentify) ids_[slide] = anonymous_id(reader->info());
    report.slide_id = ids_[slide];
    if (!options_.deidentify) report.path = entry.path.string();
    report.settings_hash = options_.settings_hash;
    report.model_hash = options_.model_hash;
    report.version = UNTILED_VERSION;
    const WorkIdentity identity = {report.fingerprint, report.settings_hash, report.model_hash};
    if (reuse(slide, identity)) return Outcome::kDone;
    const auto lease = folder_.begin(ids_[slide], outputs_of(slide));
    if (!lease) return Outcome::kElsewhere;
    if (reuse(slide, identity)) return Outcome::kDone;  // Done by its last owner.
    for (const std::string& warning : report.warnings) warn(ids_[slide] + ": " + warning);
    require_no_slide_is_overwritten(slide);
    const double open_seconds = seconds_since(started);
    SlideResult result = work_({entry, reader, folder_.path(), progress_of(progress), report});
    result.seconds.insert(result.seconds.begin(), {"open", open_seconds});
    folder_.record(result.report, to_jpeg(result.thumbnail), result.seconds);
    reused_[slide] = false;
    print(result.report);
    reports_.push_back(std::move(result.report));
    return Outcome::kDone;
  }

  bool reuse(size_t slide, const WorkIdentity& identity) {
    const auto done = folder_.find_done(ids_[slide], identity);
    if (!done) return false;
    print(*done);
    reports_.push_back(*done);
    return true;
  }

  void record_failure(size_t slide, const Failure& failure) {
    if (options_.deidentify && ids_[slide] == named_ids_[slide]) ids_[slide] = numbered(slide);
    SlideReport report;
    report.slide_id = ids_[slide];
    if (!options_.deidentify) report.path = options_.slides[slide].path.string();
    report.status = SlideStatus::kFailed;
    report.reason_code = failure.code;
    report.reason = options_.deidentify ? "left out" : failure.reason;
    report.settings_hash = options_.settings_hash;
    report.model_hash = options_.model_hash;
    report.version = UNTILED_VERSION;
    print_error(failure.reason);
    reused_[slide] = false;
    count_failure(report);
    try {
      folder_.record(report, {}, {});
    } catch (const WriteError&) {  // The reports will say so.
    }
    reports_.push_back(std::move(report));
  }

  void count_failure(const SlideReport& report) {
    failures_.add_failure(report.reason_code == "settings");
  }

  std::vector<std::string> outputs_of(size_t slide) const {
    std::vector<std::string> names;
    for (const std::string& ending : options_.endings) names.push_back(ids_[slide] + ending);
    return names;
  }

  /// An output may have the name of another slide that lies in the same folder.
  void require_no_slide_is_overwritten(size_t slide) const {
    for (const std::string& name : outputs_of(slide)) {
      const fs::path output = fs::absolute(folder_.path() / name).lexically_normal();
      for (const CohortEntry& other : options_.slides) {
        if (fs::absolute(other.path).lexically_normal() != output) continue;
        throw ConfigError(fmt::format(
            "{}: this output would replace a slide of the batch; give --out another folder",
            output.string()));
      }
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
      try {
        ids_[i] = anonymous_id(open_checked(options_.slides[i].path)->info());
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
    fmt::print("{}\n", line);
  }

  void print_json() const {
    nlohmann::ordered_json slides = nlohmann::ordered_json::array();
    for (const SlideReport& report : reports_) slides.push_back(to_flat_json(report));
    const nlohmann::ordered_json document = {{"slides", slides}, {"failed", failures_.failed}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
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
  std::vector<SlideReport> reports_;  ///< Of this process's slides, in the order they were done.
  std::atomic<int64_t> units_ = 0;    ///< Of the slide in work.
};

}  // namespace

Shard parse_shard(const std::string& text) {
  Shard shard;
  const size_t slash = text.find('/');
  const auto read = [&](size_t begin, size_t end, int64_t& number) {
    const char* last = text.data() + end;
    const auto [stop, error] = std::from_chars(text.data() + begin, last, number);
    return error == std::errc() && stop == last;
  };
  if (slash == std::string::npos || !read(0, slash, shard.index) ||
      !read(slash + 1, text.size(), shard.count) || shard.count < 1 || shard.index < 0 ||
      shard.index > shard.count) {
    throw ConfigError(fmt::format(
        "--shard {}: expected i/N, the part i (1 to N, or 0 to N - 1) of N parts", text));
  }
  shard.index %= shard.count;
  return shard;
}

int run_batch(const BatchOptions& options, const SlideWork& work) {
  return BatchRun(options, work).run();
}

}  // namespace untiled
