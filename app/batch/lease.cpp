#include "app/batch/lease.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"

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

std::string content() {
  return nlohmann::ordered_json{{"host", host_name()}, {"process", ::getpid()}, {"job", job_name()}}
      .dump();
}

bool create(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    if (errno == EEXIST) return false;
    throw write_error(file, errno);
  }
  const std::string text = content();
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
#ifdef __APPLE__
  return status.st_mtimespec;
#else
  return status.st_mtim;
#endif
}

bool was_touched_lately(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return false;
  const auto now = server_time(file.parent_path());
  return !now || now->tv_sec - status.st_mtime < Lease::kStale.count();
}

/// Whether the owner ran on this machine and is gone.
bool owner_is_gone(const fs::path& file) {
  std::string text;
  try {
    text = read_file(file);
  } catch (const DataError&) {
    return false;  // Removed meanwhile; the next attempt sees.
  }
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("host", "") != host_name()) return false;
  const auto process = json.value("process", 0);
  return process > 0 && process != ::getpid() && ::kill(process, 0) != 0 && errno == ESRCH;
}

/// Renames a stale lease away; false where another process was quicker.
bool remove_stale(const fs::path& file) {
  if (!owner_is_gone(file) && was_touched_lately(file)) return false;
  const fs::path grave = fmt::format("{}.{}.{}.stale", file.string(), host_name(), ::getpid());
  if (::rename(file.c_str(), grave.c_str()) != 0) return false;
  ::unlink(grave.c_str());
  return true;
}

}  // namespace

/// Touches the file until it is given back.
class Lease::Heartbeat {
 public:
  explicit Heartbeat(fs::path file) : file_(std::move(file)) {
    thread_ = std::thread([this] {
      std::unique_lock lock(mutex_);
      while (!wake_.wait_for(lock, kHeartbeat, [this] { return ended_; })) {
        ::utimensat(AT_FDCWD, file_.c_str(), nullptr, 0);
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
    ::unlink(file_.c_str());
  }
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

 private:
  fs::path file_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ended_ = false;
  std::thread thread_;
};

Lease::Lease(fs::path file) : heartbeat_(std::make_unique<Heartbeat>(std::move(file))) {}
Lease::Lease(Lease&&) noexcept = default;
Lease& Lease::operator=(Lease&&) noexcept = default;
Lease::~Lease() = default;

std::optional<Lease> Lease::take(const fs::path& file) {
  make_folder(file.parent_path());
  if (create(file) || (remove_stale(file) && create(file))) return Lease(file);
  return std::nullopt;
}

}  // namespace untiled
