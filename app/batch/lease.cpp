#include "app/batch/lease.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/json_number.h"
#include "lib/core/json_text.h"
#include "lib/core/left_overs.h"
#include "lib/core/platform.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostContentBytes = 4096;
constexpr std::string_view kGuardEnding = ".takeover";

/// The batch system's number of this job, where there is one; what follows the number names a host.
std::string job_number() {
  for (const char* variable : {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr) continue;
    const std::string_view text = value;
    return std::string(text.substr(0, text.find_first_not_of("0123456789")));
  }
  return "";
}

/// Says who holds a lease, without a host's name; no two are equal.
std::string make_content() {
  static std::atomic<int> count = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return nlohmann::ordered_json{{"machine", machine_token()},
                                {"process", ::getpid()},
                                {"job", job_number()},
                                {"lease", fmt::format("{}-{}", now.count(), count++)}}
      .dump();
}

/// Empty where there is none, or something else has its name.
std::string content_of(const fs::path& file) {
  try {
    std::error_code error;
    return fs::file_size(file, error) <= kMostContentBytes ? read_file(file) : "";
  } catch (const DataError&) {
    return "";
  }
}

bool create(const fs::path& file, const std::string& text) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    if (errno == EEXIST) return false;
    throw write_error(file, errno);
  }
  const ssize_t written = ::write(descriptor, text.data(), text.size());
  const int error = written < 0 ? errno : ENOSPC;  // A part that fits is no error of its own.
  ::close(descriptor);
  if (written == static_cast<ssize_t>(text.size())) return true;
  ::unlink(file.c_str());
  throw write_error(file, error);
}

/// The time of a file that is touched now: the file server's clock. Its name is that of a file in
/// the making, which a later run removes should this process be killed here.
std::optional<timespec> server_time(const fs::path& folder) {
  static std::atomic<int> count = 0;
  const fs::path probe =
      folder / fmt::format("clock.{}.{}.{}.part", machine_token(), ::getpid(), count++);
  const int descriptor = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return std::nullopt;
  struct stat status {};
  const bool known = ::write(descriptor, ".", 1) == 1 && ::fstat(descriptor, &status) == 0;
  ::close(descriptor);
  ::unlink(probe.c_str());
  if (!known) return std::nullopt;
  return modified_time(status);
}

/// By the file server's clock, by which a lease from the future cannot be: it would never end.
bool was_touched_lately(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return false;
  const auto now = server_time(file.parent_path());
  if (!now) return true;
  constexpr time_t kLateSecond = 1;  // Servers round times in their own ways.
  const time_t age = now->tv_sec - status.st_mtime;
  return age >= -kLateSecond && age < Lease::kStale.count();
}

/// Who made a lease; nothing where its fields are not those of this program.
struct Owner {
  std::string machine;
  int process = 0;
};

std::optional<Owner> owner_of(const std::string& content) {
  try {
    const auto json = parse_json<nlohmann::json>(content);
    const int64_t process = whole_number("process", json.at("process"), 1, INT32_MAX);
    return Owner{json.at("machine").get<std::string>(), static_cast<int>(process)};
  } catch (const DataError&) {
  } catch (const nlohmann::json::exception&) {
  }
  return std::nullopt;
}

/// Whether the owner ran on this machine and is gone.
bool owner_is_gone(const std::string& content) {
  const auto owner = owner_of(content);
  if (!owner || owner->machine != machine_token() || owner->process == ::getpid()) return false;
  return is_gone(owner->process);
}

/// Something else with a lease's name, a folder say, would bar a slide for ever.
void move_aside(const fs::path& file) {
  std::error_code error;
  const auto status = fs::symlink_status(file, error);
  if (!fs::exists(status) || fs::is_regular_file(status)) return;
  fs::path other;
  for (int i = 1; other.empty() || fs::exists(other, error); ++i) {
    other = fmt::format("{}.foreign{}", file.string(), i);
  }
  fs::rename(file, other, error);
  if (error) return;
  warn(fmt::format("{}: stood where a lease belongs and is no file; it is called {} now",
                   file.string(), other.filename().string()));
}

bool is_stale(const fs::path& file) {
  return owner_is_gone(content_of(file)) || !was_touched_lately(file);
}

/// Removes a stale lease and does what follows; false where it is not stale or another process is
/// quicker. Only who holds the file beside it removes a lease of somebody else, so that nobody
/// removes a new one.
bool replace_stale(const fs::path& file, const std::string& text,
                   const std::function<bool()>& then) {
  if (!is_stale(file)) return false;
  const fs::path guard = file.string() + std::string(kGuardEnding);
  if (!create(guard, text)) {
    if (is_stale(guard)) ::unlink(guard.c_str());  // Its owner was killed at it.
    return false;
  }
  bool done = false;
  if (is_stale(file)) {
    if (!owner_of(content_of(file))) {
      warn(fmt::format("{}: is no lease of this program and was not touched for {} s; taken over",
                       file.string(), Lease::kStale.count()));
    }
    ::unlink(file.c_str());
    done = then();
  }
  ::unlink(guard.c_str());
  return done;
}

}  // namespace

/// Touches the file until it is given back.
class Lease::Heartbeat {
 public:
  Heartbeat(fs::path file, std::string content)
      : file_(std::move(file)), content_(std::move(content)) {
    thread_ = std::thread([this] {
      std::unique_lock lock(mutex_);
      while (!wake_.wait_for(lock, kHeartbeat, [this] { return ended_; })) {
        if (is_ours()) ::utimensat(AT_FDCWD, file_.c_str(), nullptr, 0);
      }
    });
  }
  ~Heartbeat() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    wake_.notify_all();
    thread_.join();
    if (is_ours()) ::unlink(file_.c_str());
  }
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  bool is_ours() const { return content_of(file_) == content_; }

 private:
  fs::path file_;
  std::string content_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ended_ = false;
  std::thread thread_;
};

Lease::Lease(std::unique_ptr<Heartbeat> heartbeat) : heartbeat_(std::move(heartbeat)) {}
Lease::Lease(Lease&&) noexcept = default;
Lease& Lease::operator=(Lease&&) noexcept = default;
Lease::~Lease() = default;

bool Lease::is_ours() const { return heartbeat_->is_ours(); }

std::optional<Lease> Lease::take(const fs::path& file) {
  make_folder(file.parent_path());
  move_aside(file);
  const std::string content = make_content();
  const auto take = [&] { return create(file, content); };
  if (!take() && !replace_stale(file, content, take)) return std::nullopt;
  return Lease(std::make_unique<Heartbeat>(file, content));
}

bool Lease::any_elsewhere(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".lease" || !was_touched_lately(it->path())) continue;
    const auto owner = owner_of(content_of(it->path()));
    if (!owner || owner->machine != machine_token()) return true;
  }
  return false;
}

void Lease::clear_stale(const fs::path& folder) {
  std::vector<fs::path> leases;
  std::vector<fs::path> guards;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".lease") leases.push_back(it->path());
    if (it->path().extension() == kGuardEnding) guards.push_back(it->path());
  }
  for (const fs::path& lease : leases) {
    replace_stale(lease, make_content(), [] { return true; });
  }
  for (const fs::path& guard : guards) {
    if (is_stale(guard)) ::unlink(guard.c_str());
  }
}

}  // namespace untiled
