// Figures of steps over ranks, measured by `bench ranks` or modelled beside them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace untiled {

/// Seconds of a step.
struct RankSeconds {
  double all = 0;
  double compute = 0;
  double halo = 0;
  double sums = 0;
};

/// A step of one network over some ranks of one machine.
struct RankRow {
  std::string machine;
  std::string network;
  std::string scaling;  ///< strong, weak, data parallel or mixed.
  bool is_modelled = false;
  int64_t ranks = 1;
  int64_t slides = 1;
  int64_t rows = 0;  ///< Of each slide, in pixels.
  int64_t columns = 0;
  RankSeconds seconds;
  double efficiency = 0;  ///< Against one rank.
  // Of what was measured:
  double waiting = 0;
  std::optional<RankSeconds> modelled;
  std::optional<int64_t> memory_bytes_per_rank;
};

/// The rows of a file that `bench ranks` wrote. Throws DataError, and nlohmann's exceptions for
/// another form.
std::vector<RankRow> rank_rows(const nlohmann::ordered_json& file);

/// A table in Markdown: what was measured with what the model says of it, then what is modelled.
std::string rank_table(const std::vector<RankRow>& rows);

/// Writes a picture of efficiency in per cent against the logarithm of the number of ranks.
void write_rank_chart(const std::filesystem::path& file, const std::vector<RankRow>& rows);

}  // namespace untiled
