#include "app/batch/batch_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "app/batch/report_page.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/hasher.h"
#include "lib/core/json_text.h"
#include "lib/core/left_overs.h"
#include "lib/core/platform.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kRecordEnding = ".json";
constexpr const char* kSecondsEnding = ".seconds.json";
constexpr const char* kThumbnailEnding = ".jpg";
constexpr const char* kForeignEnding = ".foreign";
constexpr const char* kBegunEnding = ".begun.json";  ///< Outputs of a slide in work.

bool is_there(const fs::path& file) {
  std::error_code none;
  return fs::is_regular_file(file, none);
}

/// Outputs are files, or folders of files.
bool is_output_there(const fs::path& output) {
  std::error_code none;
  return fs::exists(output, none);
}

/// Whether an output would replace something; a link that leads nowhere is somebody's, too.
bool is_taken(const fs::path& output) {
  std::error_code none;
  return fs::exists(fs::symlink_status(output, none));
}

/// Of files that are made with the lease of their slide.
void remove_left_overs_of(const fs::path& folder, const std::vector<std::string>& names) {
  remove_left_overs(folder, [&](const LeftOver& left) {
    return is_gone(left.process) && std::find(names.begin(), names.end(), left.name) != names.end();
  });
}

std::optional<Json> read_json(const fs::path& file) {
  if (!is_there(file)) return std::nullopt;
  try {
    return parse_json<Json>(read_file(file));
  } catch (const DataError&) {
    return std::nullopt;
  }
}

/// Text with a check sum before it: {"check_sum": "...", "content": ...}.
std::string sealed(const Json& content) {
  const std::string text = json_text(content);
  return json_text(Json{{"check_sum", hash_of(text)}, {"content", parse_json<Json>(text)}}, 1);
}

/// The content of a sealed file; nothing where it is not there, damaged, or without a check sum.
std::optional<Json> read_sealed(const fs::path& file) {
  auto json = read_json(file);
  if (!json || !json->is_object() || !json->contains("check_sum") || !json->contains("content")) {
    return std::nullopt;
  }
  Json content = std::move((*json)["content"]);
  if ((*json)["check_sum"] != hash_of(json_text(content))) return std::nullopt;
  return content;
}

/// Something else with the name of a file of this folder would bar its slide for ever.
void move_aside_foreign(const fs::path& folder) {
  std::vector<fs::path> foreign;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code none;
    const bool is_named =
        it->path().extension() == kRecordEnding || it->path().extension() == kThumbnailEnding;
    if (is_named && !fs::is_regular_file(it->path(), none)) foreign.push_back(it->path());
  }
  for (const fs::path& file : foreign) {
    fs::path other = file.string() + kForeignEnding;
    for (int i = 2; is_taken(other); ++i) {
      other = fmt::format("{}{}{}", file.string(), kForeignEnding, i);
    }
    fs::rename(file, other, error);
    if (error) continue;  // What stays there is an error where it is to be written.
    warn(fmt::format("{}: stood where a record belongs and is no file; it is called {} now",
                     file.string(), other.filename().string()));
  }
}

constexpr const char* kVerbFile = "verb";  // In the folder of records.

/// The verb that a folder's file names, perhaps on a line that an editor ended; nothing where it
/// holds no such word.
std::optional<std::string> verb_in(std::string text) {
  constexpr size_t kLongest = 32;
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  const bool is_word = !text.empty() && text.size() <= kLongest &&
                       std::all_of(text.begin(), text.end(),
                                   [](char letter) { return letter >= 'a' && letter <= 'z'; });
  return is_word ? std::optional(std::move(text)) : std::nullopt;
}

/// A name as it comes back from a record: JSON is UTF-8, file names need not be.
std::string as_recorded(const std::string& name) {
  return parse_json<Json>(json_text(name)).get<std::string>();
}

/// Which version of a record is there; empty: none. Records are replaced as a whole, so that inode
/// and time tell versions apart.
std::string version_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return "";
  const timespec modified = modified_time(status);
  return fmt::format("{} {} {}", status.st_ino, modified.tv_sec, modified.tv_nsec);
}

/// Waits for its turn: reports are short work.
Lease wait_for(const fs::path& file) {
  constexpr std::chrono::milliseconds kPause{50};
  while (true) {
    if (auto lease = Lease::take(file)) return std::move(*lease);
    throw_if_stopped();
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

std::optional<std::string> verb_of_folder(const fs::path& folder) {
  const fs::path file = folder / BatchNames().records / kVerbFile;
  return is_there(file) ? verb_in(read_file(file)) : std::nullopt;
}

BatchFolder::BatchFolder(fs::path folder, BatchNames names)
    : folder_(std::move(folder)), names_(std::move(names)), hidden_(folder_ / names_.records) {
  make_folder(hidden_);
  require_own_verb();
  move_aside_foreign(hidden_);
  remove_old_left_overs();
  remember_versions();
}

/// Outputs of two verbs may have one name, and their reports have: the folder is the first one's.
void BatchFolder::require_own_verb() const {
  if (names_.verb.empty()) return;
  const fs::path file = hidden_ / kVerbFile;
  if (!is_there(file)) return write_file(file, names_.verb);
  const auto first = verb_in(read_file(file));
  if (first == names_.verb) return;
  if (!first) {
    warn(fmt::format("{}: is damaged, and says {} from now on", file.string(), names_.verb));
    return write_file(file, names_.verb);
  }
  throw ConfigError(fmt::format(
      "{} holds the files and reports of {}, which {} would replace: give --out another folder",
      folder_.string(), *first, names_.verb));
}

/// Numbers of processes mean nothing on another machine: while one is at work here, what it writes
/// stays.
void BatchFolder::remove_old_left_overs() const {
  if (Lease::any_elsewhere(hidden_) || Lease::any_elsewhere(folder_ / BatchNames().records)) return;
  const auto is_ours = [](const LeftOver& left) { return is_gone(left.process); };
  remove_left_overs(folder_, is_ours);
  remove_left_overs(hidden_, is_ours);
}

void BatchFolder::remember_versions() {
  std::error_code error;
  for (fs::directory_iterator it(hidden_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.ends_with(kRecordEnding)) versions_at_start_[name] = version_of(it->path());
  }
}

fs::path BatchFolder::hidden_file(const std::string& id, const std::string& ending) const {
  constexpr size_t kDigits = 20;  // An id may be as long as a file name can be.
  return hidden_ / (hash_of(id).substr(0, kDigits) + ending);
}

std::optional<SlideReport> BatchFolder::read_record(const std::string& id) const {
  const auto json = read_sealed(hidden_file(id, kRecordEnding));
  if (!json) return std::nullopt;
  try {
    SlideReport report = slide_report(*json);
    // One of another slide, copied here, names outputs that are not this slide's.
    if (report.slide_id != as_recorded(id)) return std::nullopt;
    return report;
  } catch (const DataError&) {
    return std::nullopt;  // Of another version of the program: the slide is done again.
  }
}

std::optional<SlideReport> BatchFolder::find_done(const std::string& id,
                                                  const WorkIdentity& identity,
                                                  const std::vector<std::string>& outputs) const {
  auto report = read_record(id);
  if (!report || report->status == SlideStatus::kFailed || report->version != UNTILED_VERSION ||
      report->fingerprint != identity.fingerprint ||
      report->settings_hash != identity.settings_hash ||
      report->model_hash != identity.model_hash) {
    return std::nullopt;
  }
  const bool complete =
      std::all_of(outputs.begin(), outputs.end(),
                  [this](const std::string& name) { return is_output_there(folder_ / name); });
  return complete ? report : std::nullopt;
}

std::optional<SlideReport> BatchFolder::find_new(const std::string& id,
                                                 const WorkIdentity& identity) const {
  const fs::path file = hidden_file(id, kRecordEnding);
  const auto before = versions_at_start_.find(file.filename().string());
  if (before != versions_at_start_.end() && before->second == version_of(file)) {
    return std::nullopt;
  }
  auto report = read_record(id);
  if (!report || report->settings_hash != identity.settings_hash ||
      report->model_hash != identity.model_hash) {
    return std::nullopt;  // Another command, in the same folder.
  }
  return report;
}

std::optional<Lease> BatchFolder::take_lease(const std::string& id) const {
  return Lease::take(hidden_file(id, ".lease"));
}

std::vector<std::string> BatchFolder::claimed(const std::string& id) const {
  std::vector<std::string> names;
  if (const auto record = read_record(id)) names = record->outputs;
  const Json begun = read_sealed(hidden_file(id, kBegunEnding)).value_or(Json::array());
  for (const Json& name : begun) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

bool BatchFolder::has_damaged_record(const std::string& id) const {
  const fs::path begun = hidden_file(id, kBegunEnding);
  const fs::path record = hidden_file(id, kRecordEnding);
  if (!is_there(record) && is_taken(record.string() + kForeignEnding)) return true;
  return (is_there(record) && !read_record(id)) || (is_there(begun) && !read_sealed(begun));
}

std::optional<fs::path> BatchFolder::find_foreign(const std::string& id,
                                                  const std::vector<std::string>& outputs) const {
  if (has_damaged_record(id)) {
    warn(fmt::format("{}: its record is damaged or of another version; the slide is done again",
                     id));
    return std::nullopt;  // A record of this slide: its outputs are of a run.
  }
  const std::vector<std::string> ours = claimed(id);
  for (const std::string& name : outputs) {
    const bool is_ours = std::find(ours.begin(), ours.end(), as_recorded(name)) != ours.end();
    if (!is_ours && is_taken(folder_ / name)) return folder_ / name;
  }
  return std::nullopt;
}

void BatchFolder::begin(const std::string& id, const std::vector<std::string>& outputs) const {
  std::vector<std::string> names = claimed(id);
  names.insert(names.end(), outputs.begin(), outputs.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  remove_left_overs_of(folder_, names);
  write_file(hidden_file(id, kBegunEnding), sealed(names));
  std::error_code ignored;
  fs::remove(hidden_file(id, kRecordEnding), ignored);
}

void BatchFolder::record(const SlideReport& report, const Bytes& thumbnail,
                         const PartSeconds& seconds) const {
  const std::string& id = report.slide_id;
  std::vector<std::string> hidden;  // Here, as work on a slide that cannot be opened never begins.
  for (const char* ending : {kRecordEnding, kSecondsEnding, kThumbnailEnding, kBegunEnding}) {
    hidden.push_back(hidden_file(id, ending).filename().string());
  }
  remove_left_overs_of(hidden_, hidden);
  std::error_code ignored;
  if (report.status == SlideStatus::kFailed) {
    for (const std::string& name : claimed(id)) {
      const fs::path file = fs::path(name).filename();
      if (!file.empty() && file != "." && file != "..") fs::remove_all(folder_ / file, ignored);
    }
  }
  const fs::path picture = hidden_file(id, kThumbnailEnding);
  if (thumbnail.empty()) {
    fs::remove(picture, ignored);
  } else {
    write_file(picture, {reinterpret_cast<const char*>(thumbnail.data()), thumbnail.size()});
  }
  Json parts = Json::object();
  for (const auto& [part, value] : seconds) parts[part] = value;
  write_file(hidden_file(id, kSecondsEnding), json_text(parts));
  write_file(hidden_file(id, kRecordEnding), sealed(to_record(report)));
  fs::remove(hidden_file(id, kBegunEnding), ignored);
}

PartSeconds BatchFolder::read_seconds(const std::string& id) const {
  PartSeconds seconds;
  const auto json = read_json(hidden_file(id, kSecondsEnding));
  if (!json || !json->is_object()) return seconds;
  for (const auto& [part, value] : json->items()) {
    if (value.is_number()) seconds.emplace_back(part, value.get<double>());
  }
  return seconds;
}

void BatchFolder::write_reports(const std::vector<std::string>& ids,
                                const std::vector<bool>& reused) const {
  // The last process to come here finds all records.
  const Lease turn = wait_for(hidden_ / "reports.lease");
  Lease::clear_stale(hidden_);
  remove_left_overs_of(folder_, {names_.table, names_.json, names_.page, names_.timings});
  std::vector<SlideReport> rows;
  std::vector<SlideTiming> timings;
  std::vector<ReportCard> cards;
  for (size_t i = 0; i < ids.size(); ++i) {
    auto report = ids[i].empty() ? std::nullopt : read_record(ids[i]);
    if (!report) continue;
    timings.push_back({ids[i], reused[i] ? "reused" : "computed", read_seconds(ids[i])});
    const fs::path picture = hidden_file(ids[i], kThumbnailEnding);
    cards.push_back({*report, is_there(picture) ? read_file(picture) : ""});
    rows.push_back(std::move(*report));
  }
  if (!names_.json.empty()) {
    Json slides = Json::array();
    for (const SlideReport& row : rows) slides.push_back(to_json(row));
    write_file(folder_ / names_.json, json_text(Json{{"slides", slides}}, 1) + "\n");
  }
  write_file(folder_ / names_.timings, timings_csv(timings));
  write_file(folder_ / names_.page, report_page(cards));
  write_file(folder_ / names_.table, report_csv(rows));
}

}  // namespace untiled
