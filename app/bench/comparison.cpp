#include "app/bench/comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "app/bench/table_cell.h"
#include "app/config/yaml_text.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/json_number.h"
#include "lib/core/json_text.h"
#include "lib/core/lower_case.h"
#include "lib/core/progress.h"
#include "lib/output/charts.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDefaultPrices =
    R"(# What machines cost, for `untiled bench compare --prices`. Edit it: prices change, and a machine
# that is always busy costs less an hour than one that waits.

# Hours of use over which a bought machine is written off: three years, half of the time.
hours: 13000

machines:
  - {match: M1 Ultra, label: Mac Studio bought, purchase_usd: 5000}
  - {match: A100, label: A100 bought, purchase_usd: 15000}
  - {match: A100, label: A100 rented, usd_per_hour: 1.8}
  - {match: H100, label: H100 rented, usd_per_hour: 3.0}
)";

double positive(const std::filesystem::path& file, const YAML::Node& node, const char* key) {
  const double value = node[key].as<double>();
  if (value > 0) return value;
  throw ConfigError(fmt::format("{}: {} is {} but must be above 0", file.string(), key, value));
}

MachinePrice price_of(const std::filesystem::path& file, const YAML::Node& node, double hours) {
  MachinePrice price{node["match"].as<std::string>(), node["label"].as<std::string>(), 0};
  const bool is_bought = static_cast<bool>(node["purchase_usd"]);
  if (is_bought == static_cast<bool>(node["usd_per_hour"])) {
    throw ConfigError(fmt::format("{}: {} needs either purchase_usd or usd_per_hour", file.string(),
                                  price.label));
  }
  price.usd_per_hour = is_bought ? positive(file, node, "purchase_usd") / hours
                                 : positive(file, node, "usd_per_hour");
  return price;
}

constexpr int64_t kMostSide = 100'000'000;
constexpr int64_t kMostBytes = int64_t{1} << 60;

/// The step that stands for a machine: the default network, of the largest slides the fastest.
const Json& representative(const Json& steps) {
  const auto pixels = [](const Json& s) {
    return whole_number("rows", s.at("rows"), 1, kMostSide) *
           whole_number("columns", s.at("columns"), 1, kMostSide);
  };
  const Json* best = nullptr;
  for (const Json& step : steps) {
    if (step.at("name") != "default") continue;
    const bool is_better =
        best == nullptr || pixels(step) > pixels(*best) ||
        (pixels(step) == pixels(*best) && step.at("median_seconds") < best->at("median_seconds"));
    if (is_better) best = &step;
  }
  if (best == nullptr) throw DataError("it holds no step of the default network");
  return *best;
}

MachineRow row_of(const Json& file) {
  MachineRow row;
  row.name = file.at("name").get<std::string>();
  row.is_published = file.at("kind") == "published";
  const Json& step = representative(file.at("steps"));
  row.rows = whole_number("rows", step.at("rows"), 1, kMostSide);
  row.columns = whole_number("columns", step.at("columns"), 1, kMostSide);
  row.seconds_per_step = step.at("median_seconds").get<double>();
  row.peak_memory =
      step.contains("peak_rss_bytes")
          ? format_bytes(whole_number("peak_rss_bytes", step["peak_rss_bytes"], 0, kMostBytes))
          : step.value("peak_memory", "unknown");
  if (step.contains("times_plain")) row.times_plain = step["times_plain"].get<double>();
  row.source = file.value("source", "");
  if (!(row.seconds_per_step > 0)) throw DataError("a step without seconds");
  return row;
}

/// U.S. dollars for training steps over a thousand gigapixels.
double usd_per_terapixel(const MachineRow& row, const MachinePrice& price) {
  return price.usd_per_hour * 1000 / row.gigapixels_per_hour();
}

std::string table_row(const MachineRow& row, const MachinePrice* price) {
  const std::string cost =
      price == nullptr ? "| not listed | |"
                       : fmt::format("| {}: {:.2f} USD/h | {:.2f} ", table_cell(price->label),
                                     price->usd_per_hour, usd_per_terapixel(row, *price)) +
                             "|";
  return fmt::format("| {} | {} | {} x {} | {:.2f} | {:.2f} | {:.1f} | {} | {} {}\n",
                     table_cell(row.name), row.is_published ? "published" : "measured", row.rows,
                     row.columns, row.seconds_per_step, row.seconds_per_gigapixel(),
                     row.gigapixels_per_hour(), table_cell(row.peak_memory),
                     row.times_plain ? fmt::format("{:.0f} x", *row.times_plain) : "unknown", cost);
}

std::vector<const MachinePrice*> prices_of(const MachineRow& row,
                                           const std::vector<MachinePrice>& prices) {
  std::vector<const MachinePrice*> fitting;
  for (const MachinePrice& price : prices) {
    if (lower_case(row.name).find(lower_case(price.match)) != std::string::npos)
      fitting.push_back(&price);
  }
  return fitting;
}

/// What one file holds: a step, jobs, steps over ranks, or some of them.
struct LoadedFile {
  std::filesystem::path path;
  std::string name;  ///< Of its machine.
  std::optional<MachineRow> step = {};
  std::vector<TileRow> tiles = {};
  std::vector<RankRow> ranks = {};
};

using HoldsRows = bool (*)(const LoadedFile&);
using Rename = void (*)(LoadedFile&, const std::string& name);

/// Machines of one name in one table are told apart by their files.
void tell_apart(std::vector<LoadedFile>& files, HoldsRows holds, Rename rename) {
  std::map<std::string, int> count;
  for (const LoadedFile& file : files) count[file.name] += holds(file) ? 1 : 0;
  for (LoadedFile& file : files) {
    if (!holds(file) || count[file.name] < 2) continue;
    rename(file, fmt::format("{} ({})", file.name, file.path.stem().string()));
  }
}

void tell_machines_apart(std::vector<LoadedFile>& files) {
  tell_apart(
      files, [](const LoadedFile& f) { return f.step.has_value(); },
      [](LoadedFile& f, const std::string& name) { f.step->name = name; });
  tell_apart(
      files, [](const LoadedFile& f) { return !f.tiles.empty(); },
      [](LoadedFile& f, const std::string& name) {
        for (TileRow& row : f.tiles) row.machine = name;
      });
  tell_apart(
      files, [](const LoadedFile& f) { return !f.ranks.empty(); },
      [](LoadedFile& f, const std::string& name) {
        for (RankRow& row : f.ranks) {
          if (row.machine == f.name) row.machine = name;  // Others are modelled.
        }
      });
}

LoadedFile parse_file(const std::filesystem::path& path, const Json& content) {
  LoadedFile file{path, content.at("name").get<std::string>()};
  if (content.contains("steps")) file.step = row_of(content);
  if (content.contains("tiles")) file.tiles = tile_rows(content);
  if (content.contains("ranks")) file.ranks = rank_rows(content);
  if (file.step || !file.tiles.empty() || !file.ranks.empty()) return file;
  throw DataError("holds no steps of bench run, jobs of bench tiles or steps of bench ranks");
}

LoadedFile load_file(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  try {
    return parse_file(path, parse_json<Json>(text));
  } catch (const Json::exception& error) {
    throw DataError(fmt::format("{} is no file of bench run, bench tiles or bench ranks ({})",
                                path.string(), error.what()));
  } catch (const DataError& error) {
    throw DataError(fmt::format("{}: {}", path.string(), error.what()));
  }
}

std::string step_table(const std::vector<MachineRow>& rows,
                       const std::vector<MachinePrice>& prices) {
  std::string text =
      "| machine | figures | rows x columns | seconds a step | seconds a gigapixel | gigapixels an "
      "hour | peak memory | over plain LibTorch | price | USD a terapixel |\n"
      "|---|---|---|---|---|---|---|---|---|---|\n";
  for (const MachineRow& row : rows) {
    const auto fitting = prices_of(row, prices);
    if (fitting.empty()) text += table_row(row, nullptr);
    for (const MachinePrice* price : fitting) text += table_row(row, price);
  }
  text +=
      "\nA step reads, forwards and backwards every pixel of a slide once, with the "
      "4,492-parameter "
      "network. A terapixel is a thousand gigapixels of such steps.\n";
  for (const MachineRow& row : rows) {
    if (row.is_published) {
      text += fmt::format("{}: published, not measured by this program{}{}.\n", page_text(row.name),
                          row.source.empty() ? "" : "; ", page_text(row.source));
    }
  }
  return text;
}

/// A modelled machine stands in every file that was measured beside it.
bool same(const RankRow& a, const RankRow& b) {
  const auto key = [](const RankRow& r) {
    return std::tie(r.machine, r.network, r.scaling, r.ranks, r.slides, r.rows, r.columns);
  };
  return a.is_modelled && b.is_modelled && key(a) == key(b);
}

void write_chart(const std::filesystem::path& file, const std::vector<MachineRow>& rows) {
  constexpr PictureColor kMeasured = {40, 90, 200};
  constexpr PictureColor kPublished = {150, 150, 150};
  std::vector<Bar> bars;
  for (const MachineRow& row : rows) {
    bars.push_back({row.name + (row.is_published ? " (published)" : ""),
                    row.is_published ? kPublished : kMeasured, row.seconds_per_gigapixel()});
  }
  write_picture(file, draw_bars("training step, seconds a gigapixel (less is better)", bars));
}

}  // namespace

double MachineRow::seconds_per_gigapixel() const {
  return seconds_per_step * 1e9 / (static_cast<double>(rows) * static_cast<double>(columns));
}

std::string default_prices() { return kDefaultPrices; }

std::vector<MachinePrice> load_prices(const std::filesystem::path& file) {
  try {
    const YAML::Node root = parse_yaml(read_file(file), file.string(), true);
    const double hours = positive(file, root, "hours");
    std::vector<MachinePrice> prices;
    for (const YAML::Node& node : root["machines"]) prices.push_back(price_of(file, node, hours));
    return prices;
  } catch (const YAML::Exception& error) {
    throw ConfigError(fmt::format(
        "{} is no list of prices ({}): expected hours, and machines with match, label and "
        "purchase_usd or usd_per_hour",
        file.string(), error.what()));
  }
}

BenchFiles load_bench_files(const std::vector<std::filesystem::path>& paths) {
  std::vector<LoadedFile> files;
  for (const auto& path : paths) files.push_back(load_file(path));
  tell_machines_apart(files);
  BenchFiles all;
  for (LoadedFile& file : files) {
    if (file.step) all.steps.push_back(std::move(*file.step));
    all.tiles.insert(all.tiles.end(), file.tiles.begin(), file.tiles.end());
    for (RankRow& row : file.ranks) {
      const bool is_known = std::any_of(all.ranks.begin(), all.ranks.end(),
                                        [&](const RankRow& other) { return same(row, other); });
      if (!is_known) all.ranks.push_back(std::move(row));
    }
  }
  return all;
}

std::string comparison_markdown(const BenchFiles& files, const std::vector<MachinePrice>& prices) {
  std::vector<std::string> tables;
  if (!files.steps.empty()) tables.push_back(step_table(files.steps, prices));
  if (!files.tiles.empty()) tables.push_back(tile_table(files.tiles));
  if (!files.ranks.empty()) tables.push_back(rank_table(files.ranks));
  return fmt::format("{}", fmt::join(tables, "\n"));
}

void write_comparison(const std::filesystem::path& folder, const BenchFiles& files,
                      const std::vector<MachinePrice>& prices) {
  std::string text = "# Machines compared\n\n" + comparison_markdown(files, prices);
  if (!files.steps.empty()) {
    write_chart(folder / "comparison.png", files.steps);
    text += "\n![seconds a gigapixel](comparison.png)\n";
  }
  if (!files.ranks.empty()) {
    write_rank_chart(folder / "ranks.png", files.ranks);
    text += "\n![efficiency over ranks](ranks.png)\n";
  }
  write_file(folder / "comparison.md", text);
}

}  // namespace untiled
