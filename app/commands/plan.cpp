// plan: what a step will store, recompute, take and cost, and what its labels look like.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/bench/rank_prediction.h"
#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/commands/plan_classifier.h"
#include "app/commands/predicted_step.h"
#include "app/commands/size_argument.h"
#include "app/pipeline/engine.h"
#include "app/pipeline/label_overlay.h"
#include "app/pipeline/rank_balance.h"
#include "app/pipeline/run_plan.h"
#include "app/pipeline/slide_set.h"
#include "lib/core/error.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "models/unet.h"

namespace untiled {
namespace {

struct PlanOptions {
  std::string size;              ///< ROWSxCOLUMNS; empty: the slides of the settings.
  std::filesystem::path labels;  ///< Folder for pictures of the slides' labels; empty: none.
  int ranks = 1;                 ///< That a slide is spread over.
};

/// A slide that is planned for: its name, size and scale.
struct Subject {
  std::string name;
  SlideSize size;
  std::optional<double> mpp;
};

/// Everything that a run over them needs is planned together.
struct Subjects {
  std::vector<Subject> slides;
  RunPlan run;
};

struct Report {
  Subject subject;
  PlannedStep planned;
  RunPlan run;
  double compute_seconds = 0.0;
};

using Json = nlohmann::ordered_json;

Subjects find_subjects(const Engine& engine, const Settings& settings, const PlanOptions& options) {
  Subjects subjects;
  if (!options.size.empty()) {
    const SlideSize size{.shape = {.extent = parse_size(options.size), .access = {}},
                         .reader_bytes = 0,
                         .stain_bytes = stain_bytes(settings.data.stain)};
    subjects.slides.push_back({"a slide of this size", size, settings.data.mpp});
    subjects.run = plan_run(engine, settings, {size}, {});
    return subjects;
  }
  SlideSets sets = open_slides(settings, load_cohort(settings.data.cohort));
  const std::vector<SlideSize> sizes = sizes_of(settings, sets.training);
  for (size_t i = 0; i < sizes.size(); ++i) {
    const SlideInput& s = sets.training[i];
    subjects.slides.push_back({s.id, sizes[i], s.slide->info().mpp_x});
  }
  subjects.run = plan_run(engine, settings, sizes, sizes_of(settings, sets.validation));
  if (options.labels.empty()) {
    check_small_masks(settings, sets);
  } else {
    make_all_labels(settings, sets, options.labels);
  }
  return subjects;
}

Json names(const Graph& graph, const std::vector<LayerId>& ids) {
  Json list = Json::array();
  for (const LayerId id : ids) list.push_back(graph.layer(id).name);
  return list;
}

std::vector<LayerId> recomputed(const Graph& graph, const Plan& plan) {
  std::vector<LayerId> ids;
  for (const LayerId id : graph.storable_layers()) {
    if (std::find(plan.stored.begin(), plan.stored.end(), id) == plan.stored.end()) {
      ids.push_back(id);
    }
  }
  return ids;
}

const char* cache_name(CacheMode mode) {
  if (mode == CacheMode::kRam) return "ram";
  return mode == CacheMode::kDisk ? "disk" : "none";
}

/// What is neither stored, nor a tile, nor the cache: windows of pixels, readers, labels, runtime.
int64_t beside_step(const MemoryLedger& memory) {
  return memory.total_bytes() - memory[Holder::kStored] - memory[Holder::kTiles] -
         memory[Holder::kCache];
}

Json to_json(const MemoryLedger& memory) {
  Json lines = Json::object();
  for (size_t i = 0; i < kHolders; ++i) {
    const auto holder = static_cast<Holder>(i);
    lines[name_of(holder)] = memory[holder];
  }
  return lines;
}

Json to_json(const Report& r, const Engine& engine, const Settings& settings) {
  const Graph& graph = engine.graph();
  const int64_t field = graph.receptive_field(graph.output());
  const std::vector<Extent> extents = graph.extents(r.subject.size.shape.extent);
  Json json = {
      {"slide", r.subject.name},
      {"rows", r.subject.size.shape.extent.rows},
      {"columns", r.subject.size.shape.extent.cols},
      {"parameters", graph.parameter_count()},
      {"receptive_field_pixels", field},
      {"receptive_field_um",
       r.subject.mpp ? Json(static_cast<double>(field) * *r.subject.mpp) : Json()},
      {"tile", r.planned.plan.segments.back().tile.rows},
      {"tile_columns", r.planned.plan.segments.back().tile.cols},
      {"workers", r.planned.workers},
      {"most_workers", engine.most_workers()},
      {"device", engine.device().device.str()},
      {"kernels", engine.kernels()},
      {"simd", engine.backend().simd()},
      {"stored", names(graph, r.planned.plan.stored)},
      {"spilled", names(graph, r.planned.plan.spilled)},
      {"recomputed", names(graph, recomputed(graph, r.planned.plan))},
      {"schedule", name_of(r.planned.plan.order)},
      {"decodes_per_step", r.planned.decodes},
      {"stored_bytes", r.planned.memory[Holder::kStored]},
      {"tile_bytes", r.planned.memory[Holder::kTiles]},
      {"cache", cache_name(r.run.cache)},
      {"cache_bytes", r.planned.memory[Holder::kCache]},
      {"reading_bytes", beside_step(r.planned.memory)},
      {"memory", to_json(r.planned.memory)},
      {"predicted_peak_bytes", std::max(r.planned.memory.total_bytes(), r.run.counting_bytes)},
      {"memory_budget", settings.memory_budget},
      {"multiply_adds", r.planned.multiply_adds},
      {"extra_work", r.planned.multiply_adds / r.planned.least_multiply_adds - 1.0},
      {"predicted_compute_seconds", r.compute_seconds}};
  if (r.run.counting_bytes > 0) json["counting_bytes"] = r.run.counting_bytes;
  json["segments"] = Json::array();
  for (const SegmentPlan& s : r.planned.plan.segments) {
    const TileRegions need =
        tile_regions(graph, s.segment, extents,
                     clip(whole(s.tile), extents[static_cast<size_t>(s.segment.target)]));
    Json inputs = Json::array();
    for (const LayerId id : s.segment.inputs) {
      const Extent e = need[static_cast<size_t>(id)].extent();
      inputs.push_back({{"layer", graph.layer(id).name}, {"rows", e.rows}, {"columns", e.cols}});
    }
    json["segments"].push_back(
        {{"target", graph.layer(s.segment.target).name},
         {"tile", s.tile.rows},
         {"tile_columns", s.tile.cols},
         {"kernels", engine.backend().covers(s.segment) ? "fused" : "libtorch"},
         {"inputs", inputs}});
  }
  return json;
}

/// Of the rank with most, from what one rank was measured to take here, with the usual links
/// between ranks of one machine.
RankTime predict_step(const Engine& engine, const Extent& pixels, const RankBalance& balance,
                      double seconds_alone) {
  RankCase step{.pixels = pixels, .halos = Halos::kComputed};
  const RankMachine machine = fitted_to(usual_core(), engine.graph(), step, seconds_alone);
  step.grid = balance.grid;
  step.largest_share = balance.largest_share();
  return model_step(engine.graph(), machine, step);
}

Json to_json(const RankBalance& balance, const RankTime& predicted) {
  Json shares = Json::array();
  for (const RankShare& share : balance.shares) {
    const Region& cell = share.cell;
    shares.push_back({{"rows", {cell.rows.begin, cell.rows.end}},
                      {"columns", {cell.cols.begin, cell.cols.end}},
                      {"work", share.work / balance.work_alone}});
  }
  return {{"count", balance.shares.size()},     {"grid_rows", balance.grid.rows},
          {"grid_columns", balance.grid.cols},  {"efficiency", balance.efficiency()},
          {"extra_work", balance.extra_work()}, {"halo_pixels", balance.halo},
          {"sum_bytes", balance.sum_bytes},     {"shares", shares},
          {"predicted", to_json(predicted)}};
}

/// Nothing else is exchanged: halos are computed on both sides of a border.
void print_ranks(const Json& ranks) {
  fmt::print(
      "  ranks             {} x {} (rows x columns): {:.0f} % of the ideal speed, {:.1f} % more "
      "work than one rank\n",
      ranks["grid_rows"].get<int>(), ranks["grid_columns"].get<int>(),
      100.0 * ranks["efficiency"].get<double>(), 100.0 * ranks["extra_work"].get<double>());
  fmt::print(
      "  between ranks     halos of {} pixels are computed on both sides; {} of sums a rank "
      "and slide; memory as above on each\n",
      ranks["halo_pixels"].get<int64_t>(), format_bytes(ranks["sum_bytes"].get<int64_t>()));
  print_predicted(ranks["predicted"]);
  int64_t number = 0;
  for (const auto& share : ranks["shares"]) {
    fmt::print("    rank {:<11} rows {}-{}, columns {}-{}: {:.1f} % of the work of one\n", number++,
               share["rows"][0].get<int64_t>(), share["rows"][1].get<int64_t>(),
               share["columns"][0].get<int64_t>(), share["columns"][1].get<int64_t>(),
               100.0 * share["work"].get<double>());
  }
}

std::string workers_text(const Json& j) {
  const int workers = j["workers"].get<int>();
  const int most = j["most_workers"].get<int>();
  if (workers == most) return fmt::format("{} workers", workers);
  return fmt::format("{} of {} workers fit into memory_budget", workers, most);
}

std::string joined(const Json& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ", ") + item.get<std::string>();
  return text.empty() ? "nothing" : text;
}

std::string kernels_text(const Json& segment, const Json& j) {
  if (segment["kernels"] == "libtorch") return "LibTorch";
  return fmt::format("fused ({})", j["simd"].get<std::string>());
}

/// A key in words.
std::string spoken(std::string key) {
  std::replace(key.begin(), key.end(), '_', ' ');
  return key;
}

std::string schedule_text(const Json& j) {
  const int decodes = j["decodes_per_step"].get<int>();
  return fmt::format("{}, the slide decoded {}",
                     j["schedule"] == "sweep" ? "one sweep" : "pass by pass",
                     decodes == 1 ? "once" : fmt::format("{} times", decodes));
}

void print_plan(const Json& j) {
  fmt::print("{}: {} x {} (rows x columns), {:.3f} gigapixels\n",
             printable(j["slide"].get<std::string>()), j["rows"].get<int64_t>(),
             j["columns"].get<int64_t>(),
             j["rows"].get<double>() * j["columns"].get<double>() / 1e9);
  fmt::print("  network           {} parameters, receptive field {} pixels{}\n",
             j["parameters"].get<int64_t>(), j["receptive_field_pixels"].get<int64_t>(),
             j["receptive_field_um"].is_null()
                 ? std::string(" (micrometres unknown: the slide has no scale)")
                 : fmt::format(" = {:.0f} um", j["receptive_field_um"].get<double>()));
  fmt::print("  order of a step   {}\n", schedule_text(j));
  fmt::print("  {} {}\n", j["schedule"] == "sweep" ? "stored in bands  " : "stored whole     ",
             joined(j["stored"]));
  if (!j["spilled"].empty()) fmt::print("  in run.scratch    {}\n", joined(j["spilled"]));
  fmt::print("  recomputed        {} ({:+.0f} % arithmetic)\n", joined(j["recomputed"]),
             100.0 * j["extra_work"].get<double>());
  for (const auto& s : j["segments"]) {
    std::string inputs;
    for (const auto& i : s["inputs"]) {
      inputs +=
          fmt::format("{}{} {} x {}", inputs.empty() ? "" : ", ", i["layer"].get<std::string>(),
                      i["rows"].get<int64_t>(), i["columns"].get<int64_t>());
    }
    fmt::print("  segment           {}: tiles of {} x {}, from {}, {}\n",
               s["target"].get<std::string>(), s["tile"].get<int64_t>(),
               s["tile_columns"].get<int64_t>(), inputs, kernels_text(s, j));
  }
  fmt::print("  predicted memory  {} over the program's base:\n",
             format_bytes(j["predicted_peak_bytes"].get<int64_t>()));
  for (const auto& [holder, bytes] : j["memory"].items()) {
    if (bytes == 0) continue;
    fmt::print("    {:<16}{}\n", spoken(holder), format_bytes(bytes.get<int64_t>()));
  }
  if (j.contains("counting_bytes")) {
    fmt::print("  before a step     {} at most while colours are counted\n",
               format_bytes(j["counting_bytes"].get<int64_t>()));
  }
  fmt::print("  predicted time    {} of arithmetic a step on {} ({}), reading not counted\n",
             format_duration(j["predicted_compute_seconds"].get<double>()),
             j["device"].get<std::string>(), workers_text(j));
}

int plan(const SettingsOptions& settings_options, const PlanOptions& options, bool json) {
  const Settings settings = settings_options.load();
  if (settings.model.kind == ModelKind::kResnet) {
    return plan_classifier(settings, options.size, options.ranks, json);
  }
  const Engine engine(settings, logit_channels(settings.data.classes.size()));
  const Subjects subjects = find_subjects(engine, settings, options);
  Json document = Json::array();
  std::map<ShapeKey, Report> reports;  // Slides of one shape have one plan.
  for (const Subject& subject : subjects.slides) {
    const SlideShape shape = step_shape(settings, subject.size.shape, subjects.run.cache);
    const auto [found, is_new] = reports.try_emplace(key_of(shape));
    Report& report = found->second;
    report.subject = subject;
    if (is_new) {
      report.planned = engine.plan_training(shape, subjects.run.fixed);
      report.run = subjects.run;
      report.compute_seconds = engine.measure_seconds(report.planned, shape.extent);
    }
    document.push_back(to_json(report, engine, settings));
    if (!json) print_plan(document.back());
    if (options.ranks == 1) continue;
    const RankBalance balance =
        balance_ranks(engine, report.planned, shape.extent,
                      parse_rank_layout(settings.ranks.layout), options.ranks);
    document.back()["ranks"] =
        to_json(balance, predict_step(engine, shape.extent, balance, report.compute_seconds));
    if (!json) print_ranks(document.back()["ranks"]);
  }
  if (json) print_json(document.size() == 1 ? document.front() : document);
  return 0;
}

}  // namespace

Command plan_command() {
  return {"plan", "Say what a training step stores, recomputes, takes and costs",
          "untiled plan configs/gigapixel.yaml --size 16000x64000", [](CLI::App& verb) {
            const auto settings = add_settings_options(verb, ConfigFile::kOptional);
            const auto json = add_json_flag(verb);
            const auto options = std::make_shared<PlanOptions>();
            verb.add_option("--size", options->size,
                            "Plan for a slide of this size, instead of the settings' slides")
                ->type_name("ROWSxCOLUMNS");
            verb.add_option("--labels", options->labels,
                            "Also draw the labels that training would see, into this folder")
                ->type_name("FOLDER")
                ->excludes("--size");
            verb.add_option("--ranks", options->ranks,
                            "Also say how the work would be divided among so many ranks")
                ->check(CLI::Range(1, 1 << 20));
            return [=] { return plan(*settings, *options, *json); };
          }};
}

}  // namespace untiled
