#include "app/batch/batch_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <csignal>
#include <fstream>
#include <system_error>
#include <thread>
#include <utility>

#include "app/batch/report_page.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/hasher.h"
#include "lib/core/number.h"
#include "lib/core/platform.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kRecordEnding = ".json";
constexpr const char* kSecondsEnding = ".seconds.json";
constexpr const char* kThumbnailEnding = ".jpg";
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

/// Whether another process of this machine may still write.
bool is_at_work(int process) {
  return process > 0 && process != ::getpid() && ::kill(process, 0) == 0;
}

/// What AtomicFile or AtomicFolder leaves of `name` when its process is killed:
/// "<name>.<pid>.<n>.part".
bool is_left_over(const std::string& file, const std::string& name) {
  constexpr std::string_view kEnding = ".part";
  if (!file.starts_with(name + ".") || !file.ends_with(kEnding)) return false;
  const std::string middle =
      file.substr(name.size() + 1, file.size() - name.size() - 1 - kEnding.size());
  const bool is_ours = std::all_of(middle.begin(), middle.end(), [](unsigned char c) {
    return c == '.' || std::isdigit(c) != 0;
  });
  return is_ours && !is_at_work(parse_number<int>(middle.substr(0, middle.find('.'))).value_or(0));
}

void remove_left_overs(const fs::path& folder, const std::vector<std::string>& names) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string file = it->path().filename().string();
    const bool left = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return is_left_over(file, name);
    });
    std::error_code ignored;
    if (left) fs::remove_all(it->path(), ignored);
  }
}

std::optional<Json> read_json(const fs::path& file) {
  if (!is_there(file)) return std::nullopt;
  auto json = Json::parse(read_file(file), nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

/// A name as it comes back from a record: JSON is UTF-8, file names need not be.
std::string as_recorded(const std::string& name) {
  return Json::parse(Json(name).dump(-1, ' ', false, Json::error_handler_t::replace));
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

BatchFolder::BatchFolder(fs::path folder)
    : folder_(std::move(folder)), hidden_(folder_ / ".untiled") {
  make_folder(hidden_);
  remember_versions();
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
  const auto json = read_json(hidden_file(id, kRecordEnding));
  if (!json) return std::nullopt;
  try {
    return slide_report(*json);
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

std::optional<SlideReport> BatchFolder::find_new(const std::string& id) const {
  const fs::path file = hidden_file(id, kRecordEnding);
  const auto before = versions_at_start_.find(file.filename().string());
  if (before != versions_at_start_.end() && before->second == version_of(file)) {
    return std::nullopt;
  }
  return read_record(id);
}

std::optional<Lease> BatchFolder::take_lease(const std::string& id) const {
  return Lease::take(hidden_file(id, ".lease"));
}

std::vector<std::string> BatchFolder::claimed(const std::string& id) const {
  std::vector<std::string> names;
  if (const auto record = read_record(id)) names = record->outputs;
  const Json begun = read_json(hidden_file(id, kBegunEnding)).value_or(Json::array());
  for (const Json& name : begun) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

std::optional<fs::path> BatchFolder::find_foreign(const std::string& id,
                                                  const std::vector<std::string>& outputs) const {
  const std::vector<std::string> ours = claimed(id);
  for (const std::string& name : outputs) {
    const bool is_ours = std::find(ours.begin(), ours.end(), as_recorded(name)) != ours.end();
    if (!is_ours && is_output_there(folder_ / name)) return folder_ / name;
  }
  return std::nullopt;
}

void BatchFolder::begin(const std::string& id, const std::vector<std::string>& outputs) const {
  std::vector<std::string> names = claimed(id);
  names.insert(names.end(), outputs.begin(), outputs.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  remove_left_overs(folder_, names);
  write_file(hidden_file(id, kBegunEnding),
             Json(names).dump(-1, ' ', false, Json::error_handler_t::replace));
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
  remove_left_overs(hidden_, hidden);
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
  write_file(hidden_file(id, kSecondsEnding), parts.dump());
  write_file(hidden_file(id, kRecordEnding),
             to_json(report).dump(1, ' ', false, Json::error_handler_t::replace));
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
  remove_left_overs(folder_, {"report.csv", "report.json", "report.html", "timings.csv"});
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
  Json slides = Json::array();
  for (const SlideReport& row : rows) slides.push_back(to_flat_json(row));
  constexpr auto kReplace = Json::error_handler_t::replace;
  write_file(folder_ / "report.json",
             Json{{"slides", slides}}.dump(1, ' ', false, kReplace) + "\n");
  write_file(folder_ / "timings.csv", timings_csv(timings));
  write_file(folder_ / "report.html", report_page(cards));
  write_file(folder_ / "report.csv", report_csv(rows));
}

}  // namespace untiled
