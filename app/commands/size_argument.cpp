#include "app/commands/size_argument.h"

#include <fmt/format.h>

#include "lib/core/error.h"
#include "lib/core/number.h"

namespace untiled {

namespace {

/// Far beyond any slide: what is planned for more would neither fit a number nor end.
constexpr int64_t kMostSide = 10'000'000;
constexpr int64_t kMostPixels = 10'000'000'000'000;

}  // namespace

Extent parse_size(const std::string& text) {
  const size_t by = text.find('x');
  if (by != std::string::npos) {
    const auto rows = parse_number<int64_t>(text.substr(0, by));
    const auto cols = parse_number<int64_t>(text.substr(by + 1));
    if (rows && cols && *rows > 0 && *cols > 0) {
      const bool bounded = *rows <= kMostSide && *cols <= kMostSide && *rows * *cols <= kMostPixels;
      if (bounded) return {*rows, *cols};
      throw ConfigError(
          fmt::format("--size {}: at most {} pixels a side and {} in all are possible", text,
                      kMostSide, kMostPixels));
    }
  }
  throw ConfigError(
      fmt::format("--size: expected ROWSxCOLUMNS such as 16000x64000, found \"{}\"", text));
}

}  // namespace untiled
