// `bench compare`: benchmark files side by side, with what the machines cost.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/bench/rank_rows.h"
#include "app/bench/tile_rows.h"

namespace untiled {

/// What a machine costs. Bought ones are written off over `hours`.
struct MachinePrice {
  std::string match;  ///< Part of a machine's name, whatever its case.
  std::string label;
  double usd_per_hour = 0;
};

/// A YAML file: `hours` of use in a machine's life, and a list `machines` of {match, label,
/// purchase_usd} or {match, label, usd_per_hour}. Throws ConfigError naming file and entry.
std::vector<MachinePrice> load_prices(const std::filesystem::path& file);

/// The prices to begin with, as such a file; see `load_prices`.
std::string default_prices();

/// One machine's training step of the default network on the largest slide that it measured.
struct MachineRow {
  std::string name;
  bool is_published = false;  ///< From a paper; not measured by this program.
  int64_t rows = 0;
  int64_t columns = 0;
  double seconds_per_step = 0;
  std::string peak_memory;
  std::optional<double> times_plain;  ///< Speed over plain whole-image LibTorch there.
  std::string source;                 ///< Of a published row.

  double seconds_per_gigapixel() const;
  double gigapixels_per_hour() const { return 3600 / seconds_per_gigapixel(); }
};

/// What several files hold: steps, jobs of tiled I/O, steps over ranks, or some of them.
struct BenchFiles {
  std::vector<MachineRow> steps;
  std::vector<TileRow> tiles;
  std::vector<RankRow> ranks;  ///< Each modelled one once.
};

/// Reads files that `bench run`, `bench tiles` and `bench ranks` wrote, or published ones. Throws
/// DataError naming the file.
BenchFiles load_bench_files(const std::vector<std::filesystem::path>& files);

/// Tables in Markdown: a row a machine and step, and one for each price that fits it; a row a job;
/// a row a step over ranks.
std::string comparison_markdown(const BenchFiles& files, const std::vector<MachinePrice>& prices);

/// Writes `folder`/comparison.md and, where there are steps, comparison.png (seconds a gigapixel),
/// for those over ranks ranks.png (efficiency). Throws DataError.
void write_comparison(const std::filesystem::path& folder, const BenchFiles& files,
                      const std::vector<MachinePrice>& prices);

}  // namespace untiled
