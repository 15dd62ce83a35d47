// train: whole slides in, weights, metrics and previews out.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <span>
#include <string>

#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/commands/rank_options.h"
#include "app/pipeline/classifier_run.h"
#include "app/pipeline/recorded_settings.h"
#include "app/pipeline/training_run.h"
#include "lib/core/atomic_file.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "lib/train/run_folder.h"
#include "lib/train/trainer.h"

namespace untiled {
namespace {

std::string result_line(const RunFolder& folder, const Summary& summary) {
  return fmt::format("{}: {} steps, {} a step, best Dice {:.4f} at step {}, peak memory {}",
                     folder.path().string(), summary.steps,
                     format_duration(summary.seconds_per_step), summary.best_dice,
                     summary.best_step, format_bytes(summary.peak_rss_bytes));
}

std::string result_line(const RunFolder& folder, const ClassifierSummary& summary) {
  return fmt::format("{}: {} steps, {} a step, best AUC {:.4f} at step {}, peak memory {}",
                     folder.path().string(), summary.steps,
                     format_duration(summary.seconds_per_step), summary.best_auc, summary.best_step,
                     format_bytes(summary.peak_rss_bytes));
}

struct TrainFlags {
  std::string out;
  bool resume = false;
  bool json = false;
};

/// What rank 0 does and no other: it has the folder.
int lead(const Settings& settings, const TrainFlags& flags, Group& ranks) {
  const RunFolder folder(settings.run.folder, flags.resume);
  // A run that is finished needs no ranks: they are told before they open slides.
  int64_t finished = is_finished(folder, recorded(settings), settings.train.steps) ? 1 : 0;
  ranks.broadcast(std::as_writable_bytes(std::span(&finished, 1)), 0);
  std::string result;
  if (finished != 0) {
    result = fmt::format("{}: has all of its {} steps; nothing to train", folder.path().string(),
                         settings.train.steps);
  } else if (settings.model.kind == ModelKind::kResnet) {
    ClassifierRun run(settings, ranks);
    result = result_line(folder, run.run(folder));
  } else {
    TrainingRun run(settings, ranks);
    result = result_line(folder, run.run(folder));
  }
  fmt::print("{}\n", flags.json ? read_file(folder.summary()) : printable(result));
  return 0;
}

int follow(const Settings& settings, Group& ranks) {
  int64_t finished = 0;
  ranks.broadcast(std::as_writable_bytes(std::span(&finished, 1)), 0);
  if (finished != 0) return 0;
  if (settings.model.kind == ModelKind::kResnet) {
    ClassifierRun(settings, ranks).follow();
  } else {
    TrainingRun(settings, ranks).follow();
  }
  return 0;
}

int train(const SettingsOptions& options, const TrainFlags& flags, Group& ranks) {
  Settings settings = options.load();
  if (!flags.out.empty()) settings.run.folder = std::filesystem::absolute(flags.out);
  share_cores(settings, ranks);
  return ranks.rank() == 0 ? lead(settings, flags, ranks) : follow(settings, ranks);
}

}  // namespace

Command train_command() {
  return {"train", "Train a network on whole slides",
          "untiled train configs/demo.yaml --set train.steps=50", [](CLI::App& verb) {
            const auto settings = add_settings_options(verb, ConfigFile::kRequired);
            add_deidentify_flag(verb, settings);
            const auto json = add_json_flag(verb);
            const auto flags = std::make_shared<TrainFlags>();
            const RanksOption ranks = add_ranks_option(verb);
            verb.add_flag("--resume", flags->resume, "Go on from the run folder's last checkpoint");
            verb.add_option("--out", flags->out, "Run folder, instead of run.folder")
                ->check(refuse_empty);
            return [=] {
              flags->json = *json;
              return run_ranks(ranks,
                               [&](Group& group) { return train(*settings, *flags, group); });
            };
          }};
}

}  // namespace untiled
