// A run may end at any moment without a chance to save: kill -9, a power cut, an evicted job.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <set>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/random.h"
#include "lib/core/stop.h"
#include "lib/train/state.h"
#include "tests/catch.h"
#include "tests/train/scratch_folder.h"
#include "tests/train/toy_training.h"

namespace untiled {
namespace {

constexpr int kKills = 14;

/// A process that trains and sends one byte before each slide's gradients.
class TrainingProcess {
 public:
  explicit TrainingProcess(const std::filesystem::path& folder) {
    REQUIRE(::pipe(pipe_.data()) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) ::_exit(train(folder, pipe_[1]));
    ::close(pipe_[1]);
  }
  ~TrainingProcess() { ::close(pipe_[0]); }
  TrainingProcess(const TrainingProcess&) = delete;
  TrainingProcess& operator=(const TrainingProcess&) = delete;

  /// Waits until that many slides were begun or the process ended.
  void wait_for_slides(int64_t count) const {
    char byte = 0;
    for (int64_t i = 0; i < count && ::read(pipe_[0], &byte, 1) == 1; ++i) {
    }
  }
  void send(int signal) const { ::kill(pid_, signal); }
  /// The status that waitpid gives.
  int wait() const {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return status;
  }

 private:
  static int train(const std::filesystem::path& path, int slides_begun) {
    set_quiet(true);
    install_signal_handlers();
    const auto report = [&](int64_t) {
      const char byte = 0;
      if (::write(slides_begun, &byte, 1) != 1) ::_exit(99);
      ::usleep(300);
    };
    try {
      const RunFolder folder(path, true);
      run_training(folder, toy_options(), toy_callbacks(report));
      return 0;
    } catch (const Interrupted& interrupted) {
      return 128 + interrupted.signal();
    } catch (...) {
      return 98;
    }
  }

  std::array<int, 2> pipe_ = {-1, -1};
  pid_t pid_ = -1;
};

size_t rows(const std::filesystem::path& csv) {
  const std::string text = read_file(csv);
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

void check_equal_runs(const std::filesystem::path& a, const std::filesystem::path& b) {
  for (const char* name : {"metrics.csv", "validation.csv", "checkpoints/last.safetensors",
                           "checkpoints/best.safetensors", "settings.yaml"}) {
    INFO(name);
    CHECK(read_file(a / name) == read_file(b / name));
  }
  CHECK(rows(a / "timings.csv") == rows(b / "timings.csv"));
  CHECK(std::filesystem::file_size(a / "events.out.tfevents.0.untiled") ==
        std::filesystem::file_size(b / "events.out.tfevents.0.untiled"));
}

TEST_CASE("a run killed at random moments and resumed equals an uninterrupted one bit for bit") {
  const ScratchFolder scratch;
  REQUIRE(TrainingProcess(scratch / "straight").wait() == 0);
  REQUIRE(rows(scratch / "straight/metrics.csv") == 21);
  Random random(2024);
  int kills = 0;
  std::set<int64_t> steps_survived;
  for (int run = 0; kills < kKills; ++run) {
    REQUIRE(run < 100);
    const auto folder = scratch / ("run" + std::to_string(run));
    for (bool finished = false; !finished;) {
      const TrainingProcess process(folder);
      // Once in a while a kill in the middle of starting up.
      process.wait_for_slides(kills < kKills ? random.below(14) : 1000);
      ::usleep(static_cast<useconds_t>(random.below(6000)));
      if (kills < kKills) process.send(SIGKILL);
      const int status = process.wait();
      finished = WIFEXITED(status);
      if (finished) {
        CHECK(WEXITSTATUS(status) == 0);
        continue;
      }
      REQUIRE(WTERMSIG(status) == SIGKILL);
      if (!std::filesystem::exists(folder / "checkpoints/last.state")) continue;
      const int64_t step = load_state(folder / "checkpoints/last.state").step;
      if (step == 20) continue;  // only the closing files were missing
      steps_survived.insert(step);
      ++kills;
    }
    check_equal_runs(folder, scratch / "straight");
  }
  CHECK(kills >= 10);
  CHECK(steps_survived.size() >= 3);
}

TEST_CASE("Ctrl-C and SIGTERM save, say so by the exit code, and the run resumes bit for bit") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  const ScratchFolder scratch;
  REQUIRE(TrainingProcess(scratch / "straight").wait() == 0);
  {
    const TrainingProcess process(scratch / "run");
    process.wait_for_slides(21);  // step 11 has begun
    process.send(signal);
    const int status = process.wait();
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 128 + signal);
  }
  const int64_t saved = load_state(scratch / "run/checkpoints/last.state").step;
  CHECK(saved >= 10);
  CHECK(saved < 20);
  CHECK(rows(scratch / "run/metrics.csv") == static_cast<size_t>(saved) + 1);
  REQUIRE(TrainingProcess(scratch / "run").wait() == 0);
  check_equal_runs(scratch / "run", scratch / "straight");
}

}  // namespace
}  // namespace untiled
