#include "app/batch/lease.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/platform.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

/// The batch system's number of this job, where there is one.
std::string job_name() {
  for (const char* variable : {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"}) {
    if (const char* value = std::getenv(variable)) return value;
  }
  return "";
}

/// Says who holds a lease; no two are equal.
std::string make_content() {
  static std::atomic<int> count = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return nlohmann::ordered_json{{"host", host_name()},
                                {"process", ::getpid()},
                                {"job", job_name()},
                                {"lease", fmt::format("{}-{}", now.count(), count++)}}
      .dump();
}

/// Empty where there is none.
std::string content_of(const fs::path& file) {
  try {
    return read_file(file);
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
  const bool written =
      ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  ::close(descriptor);
  if (written) return true;
  ::unlink(file.c_str());
  throw write_error(file, error);
}

/// The time of a file that is touched now: the file server's clock.
std::optional<timespec> server_time(const fs::path& folder) {
  static std::atomic<int> count = 0;
  const fs::path probe = folder / fmt::format("clock.{}.{}.{}", host_name(), ::getpid(), count++);
  const int descriptor = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return std::nullopt;
  struct stat status {};
  const bool known = ::write(descriptor, ".", 1) == 1 && ::fstat(descriptor, &status) == 0;
  ::close(descriptor);
  ::unlink(probe.c_str());
  if (!known) return std::nullopt;
  return modified_time(status);
}

bool was_touched_lately(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return false;
  const auto now = server_time(file.parent_path());
  return !now || now->tv_sec - status.st_mtime < Lease::kStale.count();
}

/// Whether the owner ran on this machine and is gone.
bool owner_is_gone(const std::string& content) {
  const auto json = nlohmann::json::parse(content, nullptr, false);
  if (!json.is_object() || json.value("host", "") != host_name()) return false;
  const auto process = json.value("process", 0);
  return process > 0 && process != ::getpid() && ::kill(process, 0) != 0 && errno == ESRCH;
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
  const fs::path guard = file.string() + ".takeover";
  if (!create(guard, text)) {
    if (is_stale(guard)) ::unlink(guard.c_str());  // Its owner was killed at it.
    return false;
  }
  bool done = false;
  if (is_stale(file)) {
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
  const std::string content = make_content();
  const auto take = [&] { return create(file, content); };
  if (!take() && !replace_stale(file, content, take)) return std::nullopt;
  return Lease(std::make_unique<Heartbeat>(file, content));
}

void Lease::clear_stale(const fs::path& folder) {
  std::vector<fs::path> leases;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".lease") leases.push_back(it->path());
  }
  for (const fs::path& lease : leases) {
    replace_stale(lease, make_content(), [] { return true; });
  }
}

}  // namespace untiled
