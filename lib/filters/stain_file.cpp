#include "lib/filters/stain_file.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>

#include "lib/core/atomic_file.h"
#include "lib/core/json_text.h"

namespace untiled::filters {
namespace {

constexpr const char* kFormat = "untiled stains 1";

/// Whether a file may hold stains; one that is not there is for whoever opens it to say.
bool is_small(const std::filesystem::path& path) {
  constexpr uintmax_t kMostBytes = 1 << 16;
  std::error_code failed;
  const uintmax_t bytes = std::filesystem::file_size(path, failed);
  return failed || bytes <= kMostBytes;
}

}  // namespace

bool are_sound(const Stains& stains) {
  const double cosine = dot(stains.vectors[0], stains.vectors[1]);
  constexpr double kTolerance = 1e-3;
  constexpr double kMostAlike = 0.9999;
  for (size_t k = 0; k < 2; ++k) {
    const double length = dot(stains.vectors[k], stains.vectors[k]);
    if (!(std::abs(length - 1) < kTolerance)) return false;
    if (!(stains.high[k] > 0) || !std::isfinite(stains.high[k])) return false;
  }
  return std::abs(cosine) < kMostAlike;
}

void write_stains(const std::filesystem::path& path, const Stains& stains) {
  const nlohmann::ordered_json document = {
      {"format", kFormat}, {"vectors", stains.vectors}, {"high", stains.high}};
  write_file(path, document.dump(2) + "\n");
}

Stains read_stains(const std::filesystem::path& path) {
  const std::string text = is_small(path) ? read_file(path) : "";
  try {
    const auto document = parse_json<nlohmann::json>(text);
    if (document.at("format") == kFormat) {
      Stains stains{};
      document.at("vectors").get_to(stains.vectors);
      document.at("high").get_to(stains.high);
      if (are_sound(stains)) return stains;
    }
  } catch (const DataError&) {
    // Said below.
  } catch (const nlohmann::json::exception&) {
    // Said below: what exactly is missing helps nobody who did not write the file.
  }
  throw DataError(fmt::format(
      "{} does not hold saved stains; expected a file that untiled tile --save-stain wrote",
      path.string()));
}

}  // namespace untiled::filters
