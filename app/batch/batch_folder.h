// The output folder of a batch: what is done in it, who is at what, and its reports.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/batch/lease.h"
#include "app/batch/report_csv.h"
#include "app/batch/slide_report.h"
#include "lib/core/pixel_source.h"

namespace untiled {

/// What a slide's outputs were made from: they are reused when all of it is the same.
struct WorkIdentity {
  std::string fingerprint;
  std::string settings_hash;
  std::string model_hash;
};

/// What a batch keeps beside its outputs, named in its folder.
struct BatchNames {
  std::string records = ".untiled";  ///< A folder of its own, for ids of two verbs may be alike.
  std::string table = "report.csv";
  std::string json = "report.json";  ///< Empty: not written.
  std::string page = "report.html";
  std::string timings = "timings.csv";
  std::string verb = {};  ///< Who writes these; empty: anyone.
};

/// The verb that wrote a folder's outputs; nothing where the folder does not say so. Throws
/// DataError where what says so cannot be read.
std::optional<std::string> verb_of_folder(const std::filesystem::path& folder);

/// Keeps a record of each slide beside the outputs (.untiled/<hash of the id>.json), written last:
/// a slide with a record is complete. Records have a check sum (XXH3); a damaged one is none, and
/// its slide is done again. Several processes may use one folder. One thread.
class BatchFolder {
 public:
  /// Throws DataError when the folder cannot be made; ConfigError when another verb wrote the files
  /// of these names, which this one would replace.
  explicit BatchFolder(std::filesystem::path folder, BatchNames names = {});

  const std::filesystem::path& path() const { return folder_; }

  /// The report of a slide that need not be done again: it went well, was made from the same, and
  /// `outputs` are there.
  std::optional<SlideReport> find_done(const std::string& id, const WorkIdentity& identity,
                                       const std::vector<std::string>& outputs) const;
  /// The report that another process recorded since this one began, of the same work.
  std::optional<SlideReport> find_new(const std::string& id, const WorkIdentity& identity) const;
  /// The report of a slide as it was recorded last, whoever did it.
  std::optional<SlideReport> find_recorded(const std::string& id) const { return read_record(id); }

  /// Nothing while another process works on the slide.
  std::optional<Lease> take_lease(const std::string& id) const;
  /// With the lease: the first of the files that is there though no run of ours wrote it.
  std::optional<std::filesystem::path> find_foreign(const std::string& id,
                                                    const std::vector<std::string>& outputs) const;
  /// With the lease: the slide's record is gone until it is recorded again, and so is what a killed
  /// process left of `outputs`, of which any may be written from here on. Throws DataError.
  void begin(const std::string& id, const std::vector<std::string>& outputs) const;
  /// With the lease: records a slide. `thumbnail` is a JPEG for the report; may be empty. Of a
  /// failed one the outputs of earlier runs are removed. Throws DataError.
  void record(const SlideReport& report, const Bytes& thumbnail, const PartSeconds& seconds) const;

  /// Writes the table, JSON, page and timings of the slides that have a record, in this order (an
  /// empty id: none); `reused` says which of them this process did not do. Throws DataError.
  void write_reports(const std::vector<std::string>& ids, const std::vector<bool>& reused) const;

 private:
  std::filesystem::path hidden_file(const std::string& id, const std::string& ending) const;
  std::optional<SlideReport> read_record(const std::string& id) const;
  PartSeconds read_seconds(const std::string& id) const;
  void require_own_verb() const;
  void remember_versions();
  void remove_old_left_overs() const;
  /// There is one, and it is not what this version wrote.
  bool has_damaged_record(const std::string& id) const;
  /// The names that a record or an unfinished run claims.
  std::vector<std::string> claimed(const std::string& id) const;

  std::filesystem::path folder_;
  BatchNames names_;
  std::filesystem::path hidden_;
  std::map<std::string, std::string> versions_at_start_;  ///< By record's file name.
};

}  // namespace untiled
