// Work of one's own on a batch of slides, here the mean red of each one's smallest level: with the
// reports, the reuse of what is done, the leases and the exit codes of untiled's verbs.
//   slide_batch OUT SLIDE...
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "app/batch/run_batch.h"
#include "data/cohort/slide_list.h"
#include "lib/core/atomic_file.h"

namespace {

using namespace untiled;

constexpr const char* kEnding = ".red.txt";

SlideResult write_mean(SlideTask task) {
  const auto& levels = task.reader->info().levels;
  const Region all = whole(levels.back().extent);
  const Bytes rgb = task.reader->read(static_cast<int>(levels.size()) - 1, all).bytes;
  double sum = 0.0;
  for (size_t i = 0; i < rgb.size(); i += 3) sum += rgb[i];
  task.report.outputs = {task.report.slide_id + kEnding};
  write_file(task.out / task.report.outputs[0],
             std::to_string(sum / static_cast<double>(all.area())));
  return {std::move(task.report), {}, {}, {}};
}

int run(const std::string& out, const std::vector<std::string>& slides) {
  BatchOptions options;
  options.out = out;
  options.slides = list_slides(slides);
  options.endings = {kEnding};
  options.title = "means";
  options.settings_hash = "mean red";
  options.tell = [](const SlideReport& report) {
    std::printf("%s: %s\n", report.slide_id.c_str(), to_string(report.status).c_str());
  };
  return run_batch(options, write_mean).exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: slide_batch OUT SLIDE...\n");
    return 2;
  }
  try {
    return run(argv[1], {argv + 2, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
