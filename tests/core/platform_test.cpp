#include "lib/core/platform.h"

#include <chrono>
#include <fstream>
#include <thread>

#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

TEST_CASE("the program knows its own file") {
  const fs::path program = own_program();
  CHECK(fs::is_regular_file(program));
  CHECK(program.filename() == "test_core");
}

TEST_CASE("a processor has a name and at least one core to schedule on") {
  CHECK_FALSE(processor_name().empty());
  CHECK(schedulable_cores() >= 1);
  CHECK(schedulable_cores() <= static_cast<int>(std::thread::hardware_concurrency()));
}

TEST_CASE("the time of a change is the one that the file system keeps") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "file";
  std::ofstream(file) << "text";
  const auto set = std::chrono::file_clock::now() - std::chrono::hours(1);
  struct stat before {};
  REQUIRE(stat(file.c_str(), &before) == 0);
  fs::last_write_time(file, set);
  struct stat after {};
  REQUIRE(stat(file.c_str(), &after) == 0);
  const auto seconds = modified_time(before).tv_sec - modified_time(after).tv_sec;
  CHECK(seconds >= 3599);
  CHECK(seconds <= 3610);
}

}  // namespace
}  // namespace untiled
