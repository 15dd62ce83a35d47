#include "lib/core/progress.h"

#include <fcntl.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

using namespace untiled;

namespace {

/// Sends stderr to a file, which is not a terminal.
class CapturedStderr {
 public:
  explicit CapturedStderr(const std::filesystem::path& file)
      : file_(file), before_(::dup(STDERR_FILENO)) {
    const int descriptor = ::open(file.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    ::dup2(descriptor, STDERR_FILENO);
    ::close(descriptor);
  }
  ~CapturedStderr() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
  }
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;

  std::string text() const { return read_file(file_); }

 private:
  std::filesystem::path file_;
  int before_;
};

}  // namespace

TEST_CASE("short work leaves no line where stderr is not a terminal") {
  const TemporaryFolder folder;
  const CapturedStderr captured(folder / "stderr");
  {
    Progress progress("train", 1000);
    for (int i = 0; i < 1000; ++i) progress.advance();
  }
  CHECK(captured.text().empty());
}

TEST_CASE("messages are whole lines and quiet silences notes, not warnings") {
  const TemporaryFolder folder;
  const CapturedStderr captured(folder / "stderr");
  note("one");
  set_quiet(true);
  note("two");
  warn("three");
  set_quiet(false);
  CHECK(captured.text() == "note: one\nwarning: three\n");
}

TEST_CASE("many threads may report progress and print notes") {
  const TemporaryFolder folder;
  const CapturedStderr captured(folder / "stderr");
  {
    Progress progress("export", 400);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&progress] {
        for (int k = 0; k < 100; ++k) {
          progress.advance();
          progress.set_status("slide " + std::to_string(k));
          if (k % 50 == 0) note("k");
        }
      });
    }
  }
  CHECK(captured.text().size() == 8 * std::string("note: k\n").size());
}

TEST_CASE("text is cut at whole characters") {
  CHECK(fit("abc", 5) == "abc");
  CHECK(fit("abc", 2) == "ab");
  CHECK(fit("3 µm left", 3) == "3 µ");
  CHECK(fit("", 0).empty());
}

TEST_CASE("durations and sizes read well") {
  CHECK(format_duration(4.23) == "4.2 s");
  CHECK(format_duration(42.4) == "42 s");
  CHECK(format_duration(59.9) == "1m 00s");
  CHECK(format_duration(200) == "3m 20s");
  CHECK(format_duration(3720) == "1h 02m");
  CHECK(format_bytes(512) == "512 B");
  CHECK(format_bytes(int64_t{38} << 20) == "38.0 MiB");
  CHECK(format_bytes(1503238554) == "1.40 GiB");
  CHECK(format_bytes(int64_t{200} << 30) == "200 GiB");
}
