#include "app/batch/lease.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "lib/core/atomic_file.h"
#include "lib/core/left_overs.h"
#include "lib/core/platform.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

/// The lease of a process that is not there, on this machine or another.
std::string foreign_lease(const std::string& machine) {
  return R"({"machine":")" + machine + R"(","process":999999999,"job":"","lease":"x"})";
}

void age(const std::filesystem::path& file, int64_t seconds) {
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  const timespec old = {status.st_mtime - seconds, 0};
  const timespec times[2] = {old, old};  // NOLINT(modernize-avoid-c-arrays): utimensat's
  REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("a lease is held by one, and free again when it is given back") {
  const TemporaryFolder folder;
  const auto file = folder / "a.lease";
  {
    const auto lease = Lease::take(file);
    REQUIRE(lease);
    CHECK(lease->is_ours());
    CHECK_FALSE(Lease::take(file));
  }
  CHECK_FALSE(std::filesystem::exists(file));
  CHECK(Lease::take(file));
}

TEST_CASE("a lease ends when its process on this machine is gone, elsewhere after a minute") {
  const TemporaryFolder folder;
  const auto file = folder / "a.lease";
  write_file(file, foreign_lease(machine_token()));
  CHECK(Lease::take(file));
  write_file(file, foreign_lease("another"));
  CHECK_FALSE(Lease::take(file));
  age(file, 2 * Lease::kStale.count());
  CHECK(Lease::take(file));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE(
    "an owner that was stopped for long finds its lease in other hands, and leaves it there") {
  const TemporaryFolder folder;
  const auto file = folder / "a.lease";
  auto first = Lease::take(file);
  REQUIRE(first);
  age(file, 2 * Lease::kStale.count());
  const auto second = Lease::take(file);
  REQUIRE(second);
  CHECK_FALSE(first->is_ours());
  first.reset();
  CHECK(second->is_ours());
}

TEST_CASE("a lease from the future is of nobody, and other content counts for a minute") {
  const TemporaryFolder folder;
  const auto file = folder / "a.lease";
  write_file(file, foreign_lease("another"));
  age(file, -86'400);
  CHECK(Lease::take(file));
  for (const char* content :
       {"", "[]", R"({"machine":7,"process":"x"})", R"({"host":"a"})", "{{{{"}) {
    INFO(content);
    write_file(file, content);
    CHECK_FALSE(Lease::take(file));
    age(file, Lease::kStale.count());
    CHECK(Lease::take(file));
  }
}

TEST_CASE("a folder with a lease's name is moved aside, with what it holds") {
  const TemporaryFolder folder;
  const auto file = folder / "a.lease";
  write_file(file / "inside", "kept");
  CHECK(Lease::take(file));
  CHECK(read_file(folder / "a.lease.foreign1" / "inside") == "kept");
}

TEST_CASE("what a process leaves that is killed while it takes a lease over is cleared") {
  const TemporaryFolder folder;
  write_file(folder / "a.lease.takeover", foreign_lease(machine_token()));
  write_file(folder / "b.lease.takeover", foreign_lease("another"));
  Lease::clear_stale(folder.path());
  CHECK_FALSE(std::filesystem::exists(folder / "a.lease.takeover"));
  CHECK(std::filesystem::exists(folder / "b.lease.takeover"));
  age(folder / "b.lease.takeover", 2 * Lease::kStale.count());
  Lease::clear_stale(folder.path());
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("the file that asks for the server's time has the name of one in the making") {
  const TemporaryFolder folder;
  write_file(folder / "a.lease", foreign_lease("another"));
  std::atomic<bool> ended = false;
  std::thread asking([&] {
    while (!ended) Lease::any_elsewhere(folder.path());
  });
  std::string seen;
  while (seen.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      if (entry.path().extension() != ".lease") seen = entry.path().filename().string();
    }
  }
  ended = true;
  asking.join();
  const auto left = left_over(seen);
  REQUIRE(left);
  CHECK(left->process == ::getpid());
}

TEST_CASE("a lease holds no host's name") {
  const TemporaryFolder folder;
  std::string host(256, '\0');
  REQUIRE(::gethostname(host.data(), host.size() - 1) == 0);
  host.resize(host.find('\0'));
  const auto lease = Lease::take(folder / "a.lease");
  REQUIRE(lease);
  CHECK(read_file(folder / "a.lease").find("\"" + host) == std::string::npos);
}

}  // namespace untiled
