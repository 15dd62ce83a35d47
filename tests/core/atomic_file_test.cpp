#include "lib/core/atomic_file.h"

#include <fstream>
#include <iterator>

#include "tests/catch.h"
#include "tests/core/file_size_limit.h"
#include "tests/core/temporary_folder.h"

using namespace untiled;

namespace {

std::ptrdiff_t count_files(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder),
                       std::filesystem::directory_iterator());
}

}  // namespace

TEST_CASE("a written file reads back, bytes and all, in a folder that did not exist") {
  const TemporaryFolder folder;
  const auto path = folder / "a/b/c.bin";
  const std::string content("line\n\0\xFF end", 11);
  write_file(path, content);
  CHECK(read_file(path) == content);
  CHECK(count_files(path.parent_path()) == 1);
}

TEST_CASE("a file that is not committed leaves nothing behind") {
  const TemporaryFolder folder;
  {
    const AtomicFile file(folder / "mask.png");
    std::ofstream(file.path()) << "half a mask";
    CHECK(count_files(folder.path()) == 1);
    CHECK_FALSE(std::filesystem::exists(folder / "mask.png"));
  }
  CHECK(count_files(folder.path()) == 0);
}

TEST_CASE("until the commit the old file stays") {
  const TemporaryFolder folder;
  write_file(folder / "state", "old");
  AtomicFile file(folder / "state");
  std::ofstream(file.path()) << "new";
  CHECK(read_file(folder / "state") == "old");
  file.commit();
  CHECK(read_file(folder / "state") == "new");
  CHECK(count_files(folder.path()) == 1);
}

TEST_CASE("two writers of one name do not disturb each other: the last commit wins") {
  const TemporaryFolder folder;
  AtomicFile first(folder / "state");
  AtomicFile second(folder / "state");
  CHECK(first.path() != second.path());
  std::ofstream(first.path()) << "first";
  std::ofstream(second.path()) << "second";
  second.commit();
  first.commit();
  CHECK(read_file(folder / "state") == "first");
}

TEST_CASE("a full disk is a data error that names the file, and the old file stays") {
  const TemporaryFolder folder;
  const auto path = folder / "checkpoint.bin";
  write_file(path, "old");
  {
    const FileSizeLimit limit(4096);
    CHECK_THROWS_WITH(write_file(path, std::string(100'000, 'x')),
                      contains_text("checkpoint.bin") && contains_text("no space left"));
  }
  CHECK(read_file(path) == "old");
  CHECK(count_files(folder.path()) == 1);
}

TEST_CASE("ENOSPC says what to do") {
  CHECK_THAT(write_error("out/mask.png", ENOSPC).what(), contains_text("out/mask.png") &&
                                                             contains_text("no space left") &&
                                                             contains_text("another folder"));
}

TEST_CASE("a destination that is a folder or a device is refused and kept") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(AtomicFile(folder.path()), DataError);
  CHECK_THROWS_AS(AtomicFile("/dev/null"), DataError);
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("a folder below a file is refused with its name") {
  const TemporaryFolder folder;
  write_file(folder / "file", "");
  CHECK_THROWS_WITH(write_file(folder / "file/below/mask.png", "x"), contains_text("file/below"));
}

TEST_CASE("a file that is missing or a folder is refused with its name") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_file(folder / "nothing.csv"), contains_text("nothing.csv"));
  CHECK_THROWS_AS(read_file(folder.path()), DataError);
}
