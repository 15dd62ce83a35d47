#include "app/commands/plan_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/bench/rank_prediction.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

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

Json to_json(const SegmentReport& segment) {
  Json inputs = Json::array();
  for (const TileInput& i : segment.inputs) {
    inputs.push_back({{"layer", i.layer}, {"rows", i.extent.rows}, {"columns", i.extent.cols}});
  }
  return {{"target", segment.target},
          {"tile", segment.tile.rows},
          {"tile_columns", segment.tile.cols},
          {"kernels", segment.is_fused ? "fused" : "libtorch"},
          {"inputs", inputs}};
}

std::string workers_text(const StepReport& r) {
  if (r.workers == r.most_workers) return fmt::format("{} workers", r.workers);
  return fmt::format("{} of {} workers fit into memory_budget", r.workers, r.most_workers);
}

std::string joined(const std::vector<std::string>& names) {
  return names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", "));
}

/// Where it is not the host that decodes JPEG tiles.
std::string decoder_text(const std::string& decoder) {
  if (decoder == "gpu") {
    return " by nvImageCodec on the device: pixels up to 3 of 255 off the host's, 8 with halved "
           "chroma";
  }
  return decoder == "host" ? "" : " by nvImageCodec on the host";
}

std::string schedule_text(const StepReport& r) {
  return fmt::format(
      "{}, the slide decoded {}{}", r.order == Order::kSweep ? "one sweep" : "pass by pass",
      r.decodes == 1 ? "once" : fmt::format("{} times", r.decodes), decoder_text(r.decoder));
}

void print_segment(const SegmentReport& segment, const std::string& simd) {
  std::vector<std::string> inputs;
  for (const TileInput& i : segment.inputs) {
    inputs.push_back(fmt::format("{} {} x {}", i.layer, i.extent.rows, i.extent.cols));
  }
  fmt::print("  segment           {}: tiles of {} x {}, from {}, {}\n", segment.target,
             segment.tile.rows, segment.tile.cols, fmt::join(inputs, ", "),
             segment.is_fused ? fmt::format("fused ({})", simd) : "LibTorch");
}

/// A name of JSON in words.
std::string spoken(std::string key) {
  std::replace(key.begin(), key.end(), '_', ' ');
  return key;
}

void print_memory(const StepReport& r) {
  fmt::print("  predicted memory  {} over the program's base:\n",
             format_bytes(r.predicted_peak_bytes()));
  for (size_t i = 0; i < kHolders; ++i) {
    const auto holder = static_cast<Holder>(i);
    if (r.memory[holder] == 0) continue;
    fmt::print("    {:<16}{}\n", spoken(name_of(holder)), format_bytes(r.memory[holder]));
  }
  if (r.counting_bytes == 0) return;
  fmt::print("  before a step     {} at most while colours are counted\n",
             format_bytes(r.counting_bytes));
}

Json to_json(const StepReport& r) {
  Json json = {{"slide", r.slide},
               {"rows", r.extent.rows},
               {"columns", r.extent.cols},
               {"parameters", r.parameters},
               {"receptive_field_pixels", r.receptive_field_pixels},
               {"receptive_field_um", r.receptive_field_um ? Json(*r.receptive_field_um) : Json()},
               {"tile", r.tile.rows},
               {"tile_columns", r.tile.cols},
               {"workers", r.workers},
               {"most_workers", r.most_workers},
               {"device", r.device},
               {"kernels", r.kernels},
               {"simd", r.simd},
               {"stored", r.stored},
               {"spilled", r.spilled},
               {"recomputed", r.recomputed},
               {"schedule", name_of(r.order)},
               {"decodes_per_step", r.decodes},
               {"stored_bytes", r.memory[Holder::kStored]},
               {"tile_bytes", r.memory[Holder::kTiles]},
               {"cache", cache_name(r.cache)},
               {"decoder", r.decoder},
               {"cache_bytes", r.memory[Holder::kCache]},
               {"reading_bytes", beside_step(r.memory)},
               {"memory", to_json(r.memory)},
               {"predicted_peak_bytes", r.predicted_peak_bytes()},
               {"memory_budget", r.memory_budget},
               {"multiply_adds", r.multiply_adds},
               {"extra_work", r.extra_work},
               {"predicted_compute_seconds", r.compute_seconds}};
  if (r.counting_bytes > 0) json["counting_bytes"] = r.counting_bytes;
  json["segments"] = Json::array();
  for (const SegmentReport& segment : r.segments) json["segments"].push_back(to_json(segment));
  return json;
}

Json to_json(const RankReport& report) {
  const RankBalance& balance = report.balance;
  Json shares = Json::array();
  for (const RankShare& share : balance.shares) {
    const Region& cell = share.cell;
    shares.push_back({{"rows", {cell.rows.begin, cell.rows.end}},
                      {"columns", {cell.cols.begin, cell.cols.end}},
                      {"work", share.work / balance.work_alone}});
  }
  return {{"count", balance.shares.size()},
          {"grid_rows", balance.grid.rows},
          {"grid_columns", balance.grid.cols},
          {"efficiency", balance.efficiency()},
          {"extra_work", balance.extra_work()},
          {"halo_pixels", balance.halo},
          {"sum_bytes", balance.sum_bytes},
          {"sums", report.sums},
          {"shares", shares},
          {"predicted", to_json(report.predicted)}};
}

void print_step(const StepReport& r) {
  fmt::print("{}: {} x {} (rows x columns), {:.3f} gigapixels\n", printable(r.slide), r.extent.rows,
             r.extent.cols, static_cast<double>(r.extent.area()) / 1e9);
  fmt::print("  network           {} parameters, receptive field {} pixels{}\n", r.parameters,
             r.receptive_field_pixels,
             r.receptive_field_um ? fmt::format(" = {:.0f} um", *r.receptive_field_um)
                                  : " (micrometres unknown: the slide has no scale)");
  fmt::print("  order of a step   {}\n", schedule_text(r));
  fmt::print("  {} {}\n", r.order == Order::kSweep ? "stored in bands  " : "stored whole     ",
             joined(r.stored));
  if (!r.spilled.empty()) fmt::print("  in run.scratch    {}\n", joined(r.spilled));
  fmt::print("  recomputed        {} ({:+.0f} % arithmetic)\n", joined(r.recomputed),
             100.0 * r.extra_work);
  for (const SegmentReport& segment : r.segments) print_segment(segment, r.simd);
  print_memory(r);
  fmt::print("  predicted time    {} of arithmetic a step on {} ({}), reading not counted\n",
             format_duration(r.compute_seconds), r.device, workers_text(r));
}

/// What the model of lib/plan/rank_model.h says of a step over ranks.
void print_predicted(const RankTime& time) {
  fmt::print(
      "  predicted step    {:.3g} s over ranks of one machine: computing {:.3g}, "
      "halos {:.2g}, sums {:.2g} (a model; reading not counted)\n",
      time.total(), time.compute, time.halo, time.sums);
}

/// Follows the plan of a step. Nothing else is exchanged: halos are computed on both sides of a
/// border.
void print_ranks(const RankReport& report) {
  const RankBalance& balance = report.balance;
  fmt::print(
      "  ranks             {} x {} (rows x columns): {:.0f} % of the ideal speed, {:.1f} % more "
      "work than one rank\n",
      balance.grid.rows, balance.grid.cols, 100.0 * balance.efficiency(),
      100.0 * balance.extra_work());
  fmt::print(
      "  between ranks     halos of {} pixels are computed on both sides; {} of sums a rank "
      "and slide; memory as above on each\n",
      balance.halo, format_bytes(balance.sum_bytes));
  fmt::print("  sums of ranks     {}\n", report.sums);
  print_predicted(report.predicted);
  int64_t number = 0;
  for (const RankShare& share : balance.shares) {
    fmt::print("    rank {:<11} rows {}-{}, columns {}-{}: {:.1f} % of the work of one\n", number++,
               share.cell.rows.begin, share.cell.rows.end, share.cell.cols.begin,
               share.cell.cols.end, 100.0 * (share.work / balance.work_alone));
  }
}

/// Ranks below each other x ranks side by side, as in ranks.layout.
std::string layout_text(const RankGrid& grid) { return fmt::format("{}x{}", grid.rows, grid.cols); }

/// Beside tensors, tiles and sums.
void print_held(const MemoryLedger& held) {
  for (const Holder holder : {Holder::kReaders, Holder::kStains, Holder::kCache}) {
    if (held[holder] == 0) continue;
    fmt::print("    {:<16}{}\n", name_of(holder), format_bytes(held[holder]));
  }
}

std::string ranks_text(const ClassifierStepReport& r) {
  const RankGrid& grid = r.spread.grid;
  const std::string few = fmt::format(" (its cells let {} lie side by side)", r.columns);
  return fmt::format("{} as {}{}{}", r.ranks,
                     r.spread.teams == 1 ? "" : fmt::format("{} teams of ", r.spread.teams),
                     layout_text(grid), r.columns < grid.cols ? few : "");
}

}  // namespace

Json to_json(const StepPlan& plan) {
  Json json = to_json(plan.step);
  if (plan.ranks) json["ranks"] = to_json(*plan.ranks);
  return json;
}

Json to_json(const ClassifierStepReport& r) {
  Json json = {{"rows", r.slide.rows},
               {"columns", r.slide.cols},
               {"slides", r.slides},
               {"parameters", r.parameters},
               {"workers", r.plan.workers},
               {"tile", r.tile},
               {"recomputes_blocks", r.plan.recomputes_blocks},
               {"stored_bytes", r.plan.stored_bytes},
               {"spilled_layers", r.plan.spilled.size()},
               {"spilled_bytes", r.plan.spilled_bytes},
               {"working_bytes", r.plan.working_bytes},
               {"reader_bytes", r.held[Holder::kReaders]},
               {"stain_bytes", r.held[Holder::kStains]},
               {"cache_bytes", r.held[Holder::kCache]},
               {"predicted_peak_bytes", r.predicted_peak_bytes()},
               {"forward_multiply_adds", r.forward_multiply_adds},
               {"ranks", r.ranks},
               {"largest_share", r.largest_share}};
  if (!r.predicted) return json;
  json["layout"] = layout_text(r.spread.grid);
  json["columns_of_ranks"] = r.columns;
  json["teams"] = r.spread.teams;
  json["predicted"] = to_json(*r.predicted);
  return json;
}

void print_plan(const StepPlan& plan) {
  print_step(plan.step);
  if (plan.ranks) print_ranks(*plan.ranks);
}

void print_plan(const ClassifierStepReport& r) {
  fmt::print("{} slide{} of {} a step, {} parameters\n", r.slides, r.slides == 1 ? "" : "s",
             to_string(r.slide), r.parameters);
  fmt::print("  stored            {}{}\n", format_bytes(r.plan.stored_bytes),
             r.plan.recomputes_blocks ? ": blocks' outputs, their inside recomputed" : "");
  if (!r.plan.spilled.empty()) {
    fmt::print("  spilled           {} of {} tensors and their gradients, to run.scratch\n",
               format_bytes(r.plan.spilled_bytes), r.plan.spilled.size());
  }
  fmt::print("  predicted memory  {} over the program's base, with {} workers' tiles and sums\n",
             format_bytes(r.predicted_peak_bytes()), r.plan.workers);
  print_held(r.held);
  if (r.predicted) {
    fmt::print(
        "  ranks             {}: memory is that of the rank with most, {:.1f} % of the pixels\n",
        ranks_text(r), 100.0 * r.largest_share);
    print_predicted(*r.predicted);
  }
  fmt::print("  forward           {:.3g} multiply-adds\n", r.forward_multiply_adds);
}

}  // namespace untiled
