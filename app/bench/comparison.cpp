#include "app/bench/comparison.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "lib/config/yaml_text.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
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

/// The step that stands for a machine: the default network, of the largest slides the fastest.
const Json& representative(const Json& steps) {
  const auto pixels = [](const Json& s) {
    return s.at("rows").get<int64_t>() * s.at("columns").get<int64_t>();
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
  row.rows = step.at("rows").get<int64_t>();
  row.columns = step.at("columns").get<int64_t>();
  row.seconds_per_step = step.at("median_seconds").get<double>();
  row.peak_memory = step.contains("peak_rss_bytes")
                        ? format_bytes(step["peak_rss_bytes"].get<int64_t>())
                        : step.value("peak_memory", "unknown");
  if (step.contains("times_plain")) row.times_plain = step["times_plain"].get<double>();
  row.source = file.value("source", "");
  if (!(row.seconds_per_step > 0) || row.rows <= 0 || row.columns <= 0) {
    throw DataError("a step without pixels or without seconds");
  }
  return row;
}

/// Text inside a table's cell.
std::string cell(std::string text) {
  std::replace(text.begin(), text.end(), '|', '/');
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// U.S. dollars for training steps over a thousand gigapixels.
double usd_per_terapixel(const MachineRow& row, const MachinePrice& price) {
  return price.usd_per_hour * 1000 / row.gigapixels_per_hour();
}

std::string table_row(const MachineRow& row, const MachinePrice* price) {
  const std::string cost = price == nullptr
                               ? "| not listed | |"
                               : fmt::format("| {}: {:.2f} USD/h | {:.2f} ", price->label,
                                             price->usd_per_hour, usd_per_terapixel(row, *price)) +
                                     "|";
  return fmt::format("| {} | {} | {} x {} | {:.2f} | {:.2f} | {:.1f} | {} | {} {}\n",
                     cell(row.name), row.is_published ? "published" : "measured", row.rows,
                     row.columns, row.seconds_per_step, row.seconds_per_gigapixel(),
                     row.gigapixels_per_hour(), cell(row.peak_memory),
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

/// Machines of one name are told apart by their files.
void tell_apart(std::vector<MachineRow>& rows, const std::vector<std::filesystem::path>& files) {
  std::map<std::string, int> count;
  for (const MachineRow& row : rows) ++count[row.name];
  for (size_t i = 0; i < rows.size(); ++i) {
    if (count[rows[i].name] > 1) rows[i].name += fmt::format(" ({})", files[i].stem().string());
  }
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

std::vector<MachineRow> load_rows(const std::vector<std::filesystem::path>& files) {
  std::vector<MachineRow> rows;
  for (const auto& file : files) {
    try {
      rows.push_back(row_of(parse_json<Json>(read_file(file))));
    } catch (const Json::exception& error) {
      throw DataError(fmt::format("{} is no file of bench run ({})", file.string(), error.what()));
    } catch (const DataError& error) {
      throw DataError(fmt::format("{}: {}", file.string(), error.what()));
    }
  }
  tell_apart(rows, files);
  return rows;
}

std::string comparison_markdown(const std::vector<MachineRow>& rows,
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
      text += fmt::format("{}: published, not measured by this program{}{}.\n", row.name,
                          row.source.empty() ? "" : "; ", row.source);
    }
  }
  return text;
}

void write_comparison(const std::filesystem::path& folder, const std::vector<MachineRow>& rows,
                      const std::vector<MachinePrice>& prices) {
  constexpr PictureColor kMeasured = {40, 90, 200};
  constexpr PictureColor kPublished = {150, 150, 150};
  std::vector<Bar> bars;
  for (const MachineRow& row : rows) {
    bars.push_back({row.name + (row.is_published ? " (published)" : ""),
                    row.is_published ? kPublished : kMeasured, row.seconds_per_gigapixel()});
  }
  write_picture(folder / "comparison.png",
                draw_bars("training step, seconds a gigapixel (less is better)", bars));
  write_file(folder / "comparison.md", "# Training whole slides: machines compared\n\n" +
                                           comparison_markdown(rows, prices) +
                                           "\n![seconds a gigapixel](comparison.png)\n");
}

}  // namespace untiled
