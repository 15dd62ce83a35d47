#include "app/batch/lease.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

/// The lease of a process that is not there, on this machine or another.
std::string foreign_lease(const std::string& host) {
  return R"({"host":")" + host + R"(","process":999999999,"job":"","lease":"x"})";
}

std::string this_host() {
  std::string name(256, '\0');
  ::gethostname(name.data(), name.size() - 1);
  return name.c_str();  // NOLINT(readability-redundant-string-cstr): up to the first zero
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
  write_file(file, foreign_lease(this_host()));
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

}  // namespace untiled
