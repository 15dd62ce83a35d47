// The folder of one training run: its layout, its lock and its descriptive files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/region.h"
#include "lib/train/resume_rules.h"

namespace untiled {

/// Owns the folder while it lives: a second process that opens it gets a ConfigError. Subfolders
/// come into being with their first file; a folder that was made here and stayed empty is removed.
class RunFolder {
 public:
  /// Creates the folder where it is missing. Throws ConfigError when it holds something and
  /// `resume` is false, or when another process trains in it; DataError when it cannot be written.
  RunFolder(std::filesystem::path folder, bool resume);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path state() const { return folder_ / "checkpoints" / "last.state"; }
  std::filesystem::path last() const { return folder_ / "checkpoints" / "last.safetensors"; }
  std::filesystem::path best() const { return folder_ / "checkpoints" / "best.safetensors"; }
  std::filesystem::path metrics() const { return folder_ / "metrics.csv"; }
  std::filesystem::path timings() const { return folder_ / "timings.csv"; }
  std::filesystem::path validation() const { return folder_ / "validation.csv"; }
  std::filesystem::path events() const { return folder_ / "events.out.tfevents.0.untiled"; }
  std::filesystem::path settings() const { return folder_ / "settings.yaml"; }
  std::filesystem::path provenance() const { return folder_ / "provenance.json"; }
  std::filesystem::path summary() const { return folder_ / "summary.json"; }
  std::filesystem::path curves() const { return folder_ / "curves.png"; }
  std::filesystem::path report() const { return folder_ / "report.html"; }
  std::filesystem::path labels() const { return folder_ / "labels"; }
  std::filesystem::path previews() const { return folder_ / "previews"; }
  /// "previews/step000020_<slide>.png", with characters that file names dislike replaced.
  std::filesystem::path preview(int64_t step, const std::string& slide) const;

  /// True when there is a state to go on from.
  bool has_state() const;

 private:
  void lock();
  void remove_leftovers() const;

  std::filesystem::path folder_;
  bool created_ = false;
  int descriptor_ = -1;
};

/// A slide as provenance.json names it.
struct SlideRecord {
  std::string name;         ///< As the user's files may show it.
  std::string path;         ///< Left out when de-identified.
  std::string split;        ///< "train" or "validation".
  std::string fingerprint;  ///< Of its content.
  Extent extent;            ///< Pixels at the level that is trained on.
  std::optional<double> mpp;
};

/// What a run's slides are, one after the other: split, fingerprint and size. Nothing in it names a
/// file, so that slides may lie elsewhere when the run is resumed.
std::vector<std::string> contents_of(const std::vector<SlideRecord>& slides);

/// Where a run's numbers come from.
struct Provenance {
  std::string version;
  std::string device;
  std::string kernels;  ///< fused or libtorch.
  std::string simd;     ///< Instruction set of the fused kernels; empty with LibTorch.
  std::vector<SlideRecord> slides;
  bool deidentify = false;       ///< Leaves out the host's name and the slides' paths.
  std::string decoder = "host";  ///< Of slides' tiles; another one gives other pixels.
};

/// Writes provenance.json; the settings stand in it as a hash. Throws DataError.
void write_provenance(const std::filesystem::path& path, const Provenance& provenance,
                      const SettingsMap& settings);

/// The numbers of a whole run; NaN where undefined (null in the file).
struct Summary {
  int64_t steps = 0;
  bool finished = false;
  double seconds_per_step = 0.0;  ///< Median, from the first read to updated weights.
  /// Of processors, all threads of rank 0's process; median of the steps since it was started.
  double cpu_seconds_per_step = 0.0;
  int64_t pixels_per_step = 0;  ///< Median.
  std::string schedule;         ///< sweep or passes.
  /// Median of decoded pixels over those that the step needs.
  double decodes_per_step = 0.0;
  int64_t parameters = 0;
  int level = 0;
  std::vector<double> losses;  ///< One a step.
  int ranks = 1;
  std::string rank_sums;              ///< How they travel.
  std::string decoder;                ///< See Provenance.
  int64_t decoded_by_nvimgcodec = 0;  ///< Tiles, by rank 0 since it was started.
  int64_t peak_rss_bytes = 0;         ///< Of the rank that took most.
  int64_t total_rss_bytes = 0;        ///< Of all ranks.
  int64_t budget_used_bytes = 0;
  double best_dice = 0.0;
  int64_t best_step = 0;
  double last_dice = 0.0;
  std::string device;
  std::string kernels;  ///< See Provenance.
  std::string simd;
  std::string weights_hash;
  std::string settings_hash;
  std::string version;
};

/// Writes summary.json. Throws DataError.
void write_summary(const std::filesystem::path& path, const Summary& summary);

/// A hash of all settings that may not change when a run is resumed.
std::string settings_hash(const SettingsMap& settings);

}  // namespace untiled
