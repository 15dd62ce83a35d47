#include "app/commands/region_argument.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/core/error.h"
#include "lib/core/number.h"

namespace untiled {

Region parse_region(const std::string& text) {
  const ConfigError refused(
      fmt::format("--region {}: expected X,Y,WIDTH,HEIGHT in level-0 pixels", text));
  std::array<int64_t, 4> numbers{};
  size_t begin = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const size_t comma = text.find(',', begin);
    if ((comma == std::string::npos) != (i + 1 == numbers.size())) throw refused;
    const auto number = parse_number<int64_t>(text.substr(begin, comma - begin));
    if (!number || *number < 0) throw refused;
    numbers[i] = *number;
    begin = comma + 1;
  }
  const auto [x, y, width, height] = numbers;
  constexpr int64_t kMost = int64_t{1} << 40;
  if (width < 1 || height < 1 || std::max({x, y, width, height}) > kMost) throw refused;
  return {{y, y + height}, {x, x + width}};
}

}  // namespace untiled
