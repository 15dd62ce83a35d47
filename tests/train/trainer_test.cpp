#include "lib/train/trainer.h"

#include <cmath>
#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"
#include "lib/train/metrics_csv.h"
#include "lib/train/named_tensors.h"
#include "lib/train/state.h"
#include "tests/catch.h"
#include "tests/train/scratch_folder.h"
#include "tests/train/tensors.h"
#include "tests/train/toy_training.h"

namespace untiled {
namespace {

struct Quiet {
  Quiet() { set_quiet(true); }
};
const Quiet kQuiet;

Summary train(const std::filesystem::path& path, const TrainOptions& options,
              const TrainCallbacks& callbacks, bool resume = false) {
  const RunFolder folder(path, resume);
  return run_training(folder, options, callbacks);
}

/// Files that must not depend on interruptions.
std::vector<std::string> lasting_content(const std::filesystem::path& run) {
  std::vector<std::string> content;
  for (const char* name : {"metrics.csv", "validation.csv", "checkpoints/last.safetensors",
                           "checkpoints/best.safetensors"}) {
    content.push_back(read_file(run / name));
  }
  return content;
}

TEST_CASE("a run leaves the folder that users expect") {
  const ScratchFolder scratch;
  const TrainOptions options = toy_options();
  const Summary summary = train(scratch / "run", options, toy_callbacks());
  CHECK(summary.steps == 20);
  CHECK(summary.finished);
  CHECK(summary.parameters == 6);
  CHECK(summary.losses.size() == 20);
  const auto mean = [](auto begin, auto end) { return std::accumulate(begin, end, 0.0) / 6; };
  CHECK(mean(summary.losses.end() - 6, summary.losses.end()) <
        0.9 * mean(summary.losses.begin(), summary.losses.begin() + 6));
  CHECK(summary.pixels_per_step >= 2000);
  CHECK(summary.pixels_per_step <= 2004);
  CHECK(summary.seconds_per_step > 0.0);
  CHECK(summary.best_dice > 0.0);
  for (const char* name : {"settings.yaml", "provenance.json", "summary.json", "metrics.csv",
                           "timings.csv", "validation.csv", "events.out.tfevents.0.untiled",
                           "checkpoints/last.state", "checkpoints/last.safetensors",
                           "checkpoints/best.safetensors", "previews/step000004_one.svs.png"}) {
    INFO(name);
    CHECK(std::filesystem::is_regular_file(scratch / "run" / name));
  }
  const auto json = nlohmann::json::parse(read_file(scratch / "run/summary.json"));
  CHECK(json["losses"] == summary.losses);
  CHECK(json["best_dice"] == summary.best_dice);
  CHECK(json["weights_hash"] ==
        content_hash(match(load_checkpoint(scratch / "run/checkpoints/last.safetensors").parameters,
                           options.parameters)));
}

TEST_CASE("validation happens on time and its best weights are kept") {
  const ScratchFolder scratch;
  const Summary summary = train(scratch / "run", toy_options(), toy_callbacks());
  const std::vector<double> steps = read_column(scratch / "run/validation.csv", "step");
  CHECK(steps == std::vector<double>{4, 4, 8, 8, 12, 12, 16, 16, 20, 20});
  const Checkpoint best = load_checkpoint(scratch / "run/checkpoints/best.safetensors");
  CHECK(best.info.step == summary.best_step);
  const std::vector<double> dice = read_column(scratch / "run/validation.csv", "dice");
  double highest = 0.0;
  for (size_t i = 0; i < dice.size(); i += 2) {
    highest = std::max(highest, (dice[i] + dice[i + 1]) / 2.0);
  }
  CHECK(summary.best_dice == Approx(highest).epsilon(1e-15));
}

TEST_CASE("a step averages its slides' losses and gradients") {
  const ScratchFolder scratch;
  TrainOptions options = toy_options();
  options.train.steps = 1;
  options.train.clip_norm = 0.0;
  options.train.optimizer.kind = OptimizerKind::kSgd;
  options.train.optimizer.momentum = 0.0;
  options.train.optimizer.learning_rate = 1.0;
  options.train.schedule.kind = ScheduleKind::kConstant;
  std::vector<SlideGradients> seen;
  TrainCallbacks callbacks = toy_callbacks();
  callbacks.gradients = [&, inner = callbacks.gradients](const auto& p, int64_t step, size_t s) {
    seen.push_back(inner(p, step, s));
    return seen.back();
  };
  const Summary summary = train(scratch / "run", options, callbacks);
  REQUIRE(seen.size() == 2);
  CHECK(summary.losses.at(0) == Approx((seen[0].loss + seen[1].loss) / 2).epsilon(1e-15));
  const auto weights = load_checkpoint(scratch / "run/checkpoints/last.safetensors").parameters;
  const auto after = values_of<float>(find_tensor(weights, "a"));
  const auto before = values_of<float>(options.parameters.tensors[0]);
  const auto first = values_of<double>(seen[0].gradients[0]);
  const auto second = values_of<double>(seen[1].gradients[0]);
  for (size_t i = 0; i < after.size(); ++i) {
    CHECK(after[i] == Approx(before[i] - (first[i] + second[i]) / 2).epsilon(1e-6));
  }
}

TEST_CASE("a finished run resumed does nothing") {
  const ScratchFolder scratch;
  train(scratch / "run", toy_options(), toy_callbacks());
  const auto before = lasting_content(scratch / "run");
  const std::string summary = read_file(scratch / "run/summary.json");
  const auto fail = [](int64_t) { FAIL("a finished run was trained"); };
  CHECK(train(scratch / "run", toy_options(), toy_callbacks(fail), true).steps == 20);
  CHECK(lasting_content(scratch / "run") == before);
  CHECK(read_file(scratch / "run/summary.json") == summary);
}

TEST_CASE("a finished run goes on when given more steps") {
  const ScratchFolder scratch;
  TrainOptions options = toy_options();
  options.train.schedule.kind = ScheduleKind::kConstant;
  options.train.validate_every = 10;
  TrainOptions longer = options;
  longer.train.steps = 30;
  train(scratch / "straight", longer, toy_callbacks());
  train(scratch / "run", options, toy_callbacks());
  CHECK(train(scratch / "run", longer, toy_callbacks(), true).losses.size() == 30);
  CHECK(lasting_content(scratch / "run") == lasting_content(scratch / "straight"));
}

TEST_CASE("resuming without a checkpoint starts, in place of an attempt that came to nothing") {
  const ScratchFolder scratch;
  write_file(scratch / "run/metrics.csv", "left over from a run that was killed at once\n");
  train(scratch / "run", toy_options(), toy_callbacks(), true);
  train(scratch / "straight", toy_options(), toy_callbacks());
  CHECK(lasting_content(scratch / "run") == lasting_content(scratch / "straight"));
}

TEST_CASE("a changed setting stops a resume before anything is touched") {
  const ScratchFolder scratch;
  TrainOptions options = toy_options();
  options.settings.values["train.clip_norm"] = "2";
  train(scratch / "run", options, toy_callbacks());
  const auto before = lasting_content(scratch / "run");
  options.train.clip_norm = 1.0;
  options.settings.values["train.clip_norm"] = "1";
  CHECK_THROWS_WITH(train(scratch / "run", options, toy_callbacks(), true),
                    contains_text("train.clip_norm was 2 and is now 1"));
  CHECK(lasting_content(scratch / "run") == before);
}

TEST_CASE("slides may lie elsewhere on resume where they are the same, in their order and splits") {
  const ScratchFolder scratch;
  TrainOptions options = toy_options();
  options.settings.values["data.slides"] = "[/old/one.svs, /old/two.svs]";
  options.provenance.slides = {{"one.svs", "/old/one.svs", "train", "f1", {10, 10}, 0.5},
                               {"two.svs", "/old/two.svs", "validation", "f2", {8, 9}, 0.5}};
  train(scratch / "run", options, toy_callbacks());
  const auto before = lasting_content(scratch / "run");
  options.settings.values["data.slides"] = "[/new/one.svs, /new/two.svs]";
  const RecordedSettings moved = options.settings;
  {
    const RunFolder folder(scratch / "run", true);
    CHECK_FALSE(is_finished(folder, moved, 20));  // Nothing is known of its slides yet.
  }
  CHECK(train(scratch / "run", options, toy_callbacks(), true).steps == 20);
  CHECK(lasting_content(scratch / "run") == before);
  options.train.steps = 21;
  CHECK(train(scratch / "run", options, toy_callbacks(), true).losses.size() == 21);
  {
    const RunFolder folder(scratch / "run", true);
    CHECK(is_finished(folder, moved, 21));
  }
  options.settings.values["data.slides"] = "[/third/one.svs, /third/two.svs]";
  options.provenance.slides[1].fingerprint = "f3";
  CHECK_THROWS_WITH(train(scratch / "run", options, toy_callbacks(), true),
                    contains_text("data.slides was [/new/one.svs, /new/two.svs] and is now"));
  options.provenance.slides[1].fingerprint = "f2";
  std::swap(options.provenance.slides[0], options.provenance.slides[1]);
  CHECK_THROWS_WITH(train(scratch / "run", options, toy_callbacks(), true),
                    contains_text("data.slides was"));
}

TEST_CASE("a run without names is held to the order and the splits of its slides") {
  const ScratchFolder scratch;
  TrainOptions options = toy_options();
  options.settings.withheld = {"data.slides", "data.validation", "data.manifest"};
  options.provenance.slides = {{"slide-1", "", "train", "f1", {10, 10}, 0.5},
                               {"slide-2", "", "validation", "f2", {8, 9}, 0.5}};
  train(scratch / "run", options, toy_callbacks());
  CHECK(train(scratch / "run", options, toy_callbacks(), true).steps == 20);
  TrainOptions swapped = options;
  swapped.provenance.slides[0].split = "validation";
  swapped.provenance.slides[1].split = "train";
  CHECK_THROWS_WITH(train(scratch / "run", swapped, toy_callbacks(), true),
                    contains_text("in another order, or split in another way"));
  std::swap(options.provenance.slides[0], options.provenance.slides[1]);
  CHECK_THROWS_AS(train(scratch / "run", options, toy_callbacks(), true), ConfigError);
}

TEST_CASE("a state of another network is refused") {
  const ScratchFolder scratch;
  TrainOptions options = toy_options();
  train(scratch / "run", options, toy_callbacks());
  options.parameters.tensors[1] = tensor_of<float>({2, 1}, {0, 0});
  CHECK_THROWS_WITH(train(scratch / "run", options, toy_callbacks(), true),
                    contains_text("tensor b is Float [1, 2] where Float [2, 1] was expected"));
}

TEST_CASE("an interruption saves the last complete step and the run resumes bit for bit") {
  const ScratchFolder scratch;
  train(scratch / "straight", toy_options(), toy_callbacks());
  const auto stop_at = [](int64_t stop, int64_t step) {
    if (step != stop) return;
    request_stop(SIGINT);
    throw_if_stopped();
  };
  // In the gradients of a step, and in the validation after an update.
  const bool in_validation = GENERATE(false, true);
  TrainCallbacks callbacks = toy_callbacks([&](int64_t step) {
    if (!in_validation) stop_at(8, step);
  });
  callbacks.evaluate = [&, inner = callbacks.evaluate](const auto& p, int64_t step, size_t slide) {
    if (in_validation && slide == 1) stop_at(8, step);
    return inner(p, step, slide);
  };
  CHECK_THROWS_AS(train(scratch / "run", toy_options(), callbacks), Interrupted);
  request_stop(0);
  CHECK(load_state(scratch / "run/checkpoints/last.state").step == 7);
  CHECK(read_column(scratch / "run/metrics.csv", "step").size() == 7);
  CHECK_FALSE(std::filesystem::exists(scratch / "run/summary.json"));
  train(scratch / "run", toy_options(), toy_callbacks(), true);
  CHECK(lasting_content(scratch / "run") == lasting_content(scratch / "straight"));
}

TEST_CASE("an unreadable slide loses no complete step") {
  const ScratchFolder scratch;
  train(scratch / "straight", toy_options(), toy_callbacks());
  const auto fail = [](int64_t step) {
    if (step == 9) throw DataError("the network drive is gone");
  };
  CHECK_THROWS_AS(train(scratch / "run", toy_options(), toy_callbacks(fail)), DataError);
  CHECK(load_state(scratch / "run/checkpoints/last.state").step == 8);
  train(scratch / "run", toy_options(), toy_callbacks(), true);
  CHECK(lasting_content(scratch / "run") == lasting_content(scratch / "straight"));
}

TEST_CASE("values that are not finite stop the run and leave its checkpoint as it was") {
  const ScratchFolder scratch;
  const double bad = GENERATE(std::numeric_limits<double>::quiet_NaN(),
                              std::numeric_limits<double>::infinity(), 1e300);
  const bool in_gradient = GENERATE(false, true);
  if (!in_gradient && std::isfinite(bad)) return;
  TrainCallbacks callbacks = toy_callbacks();
  callbacks.gradients = [&, inner = callbacks.gradients](const auto& p, int64_t step, size_t s) {
    SlideGradients result = inner(p, step, s);
    if (step == 8 && in_gradient) result.gradients[0].fill_(bad);
    if (step == 8 && !in_gradient) result.loss = bad;
    return result;
  };
  CHECK_THROWS_WITH(train(scratch / "run", toy_options(), callbacks),
                    contains_text("step 8") && contains_text("not finite; lower train.optim"));
  CHECK(load_state(scratch / "run/checkpoints/last.state").step == 6);
}

TEST_CASE("gradients of another shape or dtype are a fault of the program") {
  const ScratchFolder scratch;
  TrainCallbacks callbacks = toy_callbacks();
  callbacks.gradients = [](const NamedTensors& p, int64_t, size_t) {
    return SlideGradients{1.0, p.tensors, 10, {}};
  };
  CHECK_THROWS_AS(train(scratch / "run", toy_options(), callbacks), InternalError);
}

TEST_CASE("SIGUSR1 saves and the run goes on") {
  const ScratchFolder scratch;
  install_signal_handlers();
  TrainOptions options = toy_options();
  options.train.checkpoint_every = 0;
  int64_t saved_step = -1;
  const Summary summary = train(scratch / "run", options, toy_callbacks([&](int64_t step) {
                                  if (step == 5) raise(SIGUSR1);
                                  if (step == 6)
                                    saved_step =
                                        load_state(scratch / "run/checkpoints/last.state").step;
                                }));
  CHECK(saved_step == 5);
  CHECK(summary.finished);
}

TEST_CASE("best weights go by loss where Dice is undefined") {
  const ScratchFolder scratch;
  TrainCallbacks callbacks = toy_callbacks();
  callbacks.evaluate = [](const NamedTensors&, int64_t step, size_t) {
    return SlideScore{step == 12 ? 0.5 : 1.0, {{0, 0, 0}}, ""};
  };
  const Summary summary = train(scratch / "run", toy_options(), callbacks);
  CHECK(std::isnan(summary.best_dice));
  CHECK(summary.best_step == 12);
  const auto json = nlohmann::json::parse(read_file(scratch / "run/summary.json"));
  CHECK(json["best_dice"].is_null());
}

TEST_CASE("a run without slides is refused") {
  const ScratchFolder scratch;
  TrainOptions options = toy_options();
  options.training_slides.clear();
  CHECK_THROWS_AS(train(scratch / "run", options, toy_callbacks()), ConfigError);
}

}  // namespace
}  // namespace untiled
