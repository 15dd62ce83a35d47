#include "app/commands/size_argument.h"

#include <fmt/format.h>

#include <charconv>

#include "lib/core/error.h"

namespace untiled {

Extent parse_size(const std::string& text) {
  Extent extent;
  const char* end = text.data() + text.size();
  const auto rows = std::from_chars(text.data(), end, extent.rows);
  if (rows.ec == std::errc() && rows.ptr != end && *rows.ptr == 'x') {
    const auto cols = std::from_chars(rows.ptr + 1, end, extent.cols);
    if (cols.ec == std::errc() && cols.ptr == end && !extent.empty()) return extent;
  }
  throw ConfigError(
      fmt::format("--size: expected ROWSxCOLUMNS such as 16000x64000, found \"{}\"", text));
}

}  // namespace untiled
