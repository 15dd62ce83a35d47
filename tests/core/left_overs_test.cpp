#include "lib/core/left_overs.h"

#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

TEST_CASE("what a killed process leaves is known by its name and removed, people's files are not") {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const AtomicFile file(folder / "mask.png");
    ::_exit(0);  // As if killed: nothing is destroyed.
  }
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  REQUIRE_FALSE(std::filesystem::is_empty(folder.path()));
  const std::string left =
      std::filesystem::directory_iterator(folder.path())->path().filename().string();
  REQUIRE(left_over(left));
  CHECK(left_over(left)->name == "mask.png");
  CHECK(left_over(left)->process == child);
  CHECK(is_gone(child));
  CHECK_FALSE(is_gone(::getppid()));
  write_file(folder / "thesis.part", "x");
  write_file(folder / "a.1.part", "x");
  remove_left_overs(folder.path(), [](const LeftOver& l) { return is_gone(l.process); });
  CHECK_FALSE(std::filesystem::exists(folder / left));
  CHECK(std::filesystem::exists(folder / "thesis.part"));
  CHECK(std::filesystem::exists(folder / "a.1.part"));
}

}  // namespace
}  // namespace untiled
