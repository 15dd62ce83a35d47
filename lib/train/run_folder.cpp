#include "lib/train/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/json_text.h"
#include "lib/core/left_overs.h"
#include "lib/train/named_tensors.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

bool holds_nothing(const fs::path& folder) {
  std::error_code error;
  const bool empty = fs::is_empty(folder, error);
  if (error) {
    throw DataError(fmt::format("cannot read {}: {}", folder.string(), error.message()));
  }
  return empty;
}

std::string safe_name(std::string name) {
  for (char& c : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-';
    if (!plain) c = '_';
  }
  return name;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.data();
}

ordered_json to_json(const SlideRecord& slide, bool deidentify) {
  ordered_json json = {{"name", slide.name}};
  if (!deidentify) json["path"] = slide.path;
  json["split"] = slide.split;
  json["fingerprint"] = slide.fingerprint;
  json["rows"] = slide.extent.rows;
  json["columns"] = slide.extent.cols;
  json["mpp"] = slide.mpp ? ordered_json(*slide.mpp) : ordered_json();
  return json;
}

}  // namespace

std::vector<std::string> contents_of(const std::vector<SlideRecord>& slides) {
  std::vector<std::string> contents;
  contents.reserve(slides.size());
  for (const SlideRecord& slide : slides) {
    contents.push_back(
        fmt::format("{} {} {}", slide.split, slide.fingerprint, to_string(slide.extent)));
  }
  return contents;
}

RunFolder::RunFolder(fs::path folder, bool resume) : folder_(std::move(folder)) {
  if (folder_.empty()) throw ConfigError("run.folder is empty: name the folder to train in");
  std::error_code error;
  const fs::file_status status = fs::status(folder_, error);
  if (fs::exists(status) && !fs::is_directory(status)) {
    throw ConfigError(fmt::format("run.folder {} is a file, not a folder", folder_.string()));
  }
  created_ = status.type() == fs::file_type::not_found;
  make_folder(folder_);
  if (!resume && !holds_nothing(folder_)) {
    throw ConfigError(
        fmt::format("run folder {} is not empty: add --resume to go on with the run in it, or set "
                    "run.folder to another one",
                    folder_.string()));
  }
  lock();
  remove_leftovers();
}

RunFolder::~RunFolder() {
  std::error_code error;
  if (created_) fs::remove(folder_, error);  // only ever removes an empty folder
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RunFolder::lock() {
  descriptor_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Some network file systems cannot lock; training there goes on without.
  if (descriptor_ < 0 || ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
    return;
  }
  ::close(descriptor_);
  throw ConfigError(
      fmt::format("another process trains in {}: wait for it or set run.folder to another one",
                  folder_.string()));
}

/// Nobody else writes here: whoever left them is gone, or was on another machine.
void RunFolder::remove_leftovers() const {
  for (const fs::path& folder : {folder_, folder_ / "checkpoints", previews(), labels()}) {
    remove_left_overs(folder, [](const LeftOver& /*any*/) { return true; });
  }
}

fs::path RunFolder::preview(int64_t step, const std::string& slide) const {
  return previews() / fmt::format("step{:06}_{}.png", step, safe_name(slide));
}

bool RunFolder::has_state() const {
  std::error_code error;
  return fs::exists(state(), error);
}

void write_provenance(const fs::path& path, const Provenance& provenance,
                      const SettingsMap& settings) {
  ordered_json slides = ordered_json::array();
  for (const SlideRecord& slide : provenance.slides) {
    slides.push_back(to_json(slide, provenance.deidentify));
  }
  ordered_json json = {{"version", provenance.version},
                       {"device", provenance.device},
                       {"kernels", provenance.kernels},
                       {"simd", provenance.simd},
                       {"decoder", provenance.decoder}};
  if (!provenance.deidentify) json["host"] = host_name();
  json["settings_hash"] = settings_hash(settings);
  json["slides"] = std::move(slides);
  write_file(path, json_text(json, 2) + "\n");
}

void write_summary(const fs::path& path, const Summary& summary) {
  const ordered_json json = {{"steps", summary.steps},
                             {"finished", summary.finished},
                             {"seconds_per_step", summary.seconds_per_step},
                             {"cpu_seconds_per_step", summary.cpu_seconds_per_step},
                             {"pixels_per_step", summary.pixels_per_step},
                             {"schedule", summary.schedule},
                             {"decodes_per_step", summary.decodes_per_step},
                             {"parameters", summary.parameters},
                             {"level", summary.level},
                             {"losses", summary.losses},
                             {"ranks", summary.ranks},
                             {"rank_sums", summary.rank_sums},
                             {"decoder", summary.decoder},
                             {"decoded_by_nvimgcodec", summary.decoded_by_nvimgcodec},
                             {"peak_rss_bytes", summary.peak_rss_bytes},
                             {"total_rss_bytes", summary.total_rss_bytes},
                             {"budget_used_bytes", summary.budget_used_bytes},
                             {"best_dice", summary.best_dice},
                             {"best_step", summary.best_step},
                             {"last_dice", summary.last_dice},
                             {"device", summary.device},
                             {"kernels", summary.kernels},
                             {"simd", summary.simd},
                             {"weights_hash", summary.weights_hash},
                             {"settings_hash", summary.settings_hash},
                             {"version", summary.version}};
  write_file(path, json_text(json, 2) + "\n");
}

std::string settings_hash(const SettingsMap& settings) {
  std::string text;
  for (const auto& [key, value] : settings) {
    if (!may_change_on_resume(key)) text += fmt::format("{}={}\n", key, value);
  }
  return content_hash(text);
}

}  // namespace untiled
