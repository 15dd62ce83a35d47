#include "app/config/convert.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <type_traits>

#include "lib/core/number.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

/// One plus may stand before a number.
template <typename Number>
std::optional<Number> parse_signed(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  return parse_number<Number>(text);
}

std::string absolute_path(const Value& value, const std::string& text) {
  return (value.folder() / text).lexically_normal().string();
}

struct Unit {
  std::string_view name;
  double bytes;
};

constexpr std::array kUnits = {Unit{"TiB", 0x1p40}, Unit{"GiB", 0x1p30}, Unit{"MiB", 0x1p20},
                               Unit{"KiB", 0x1p10}, Unit{"TB", 1e12},    Unit{"GB", 1e9},
                               Unit{"MB", 1e6},     Unit{"kB", 1e3},     Unit{"KB", 1e3},
                               Unit{"B", 1}};

std::optional<double> parse_bytes(std::string_view text) {
  double scale = 1;
  for (const Unit& unit : kUnits) {
    if (text.ends_with(unit.name)) {
      scale = unit.bytes;
      text.remove_suffix(unit.name.size());
      break;
    }
  }
  while (text.ends_with(' ')) text.remove_suffix(1);
  const auto number = parse_signed<double>(text);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  return *number * scale;
}

std::optional<std::array<int, 3>> parse_hex_color(std::string_view text) {
  if (text.size() != 7 || !text.starts_with('#')) return std::nullopt;
  const auto packed = parse_hex(text.substr(1));
  if (!packed) return std::nullopt;
  return std::array<int, 3>{static_cast<int>(*packed >> 16), static_cast<int>(*packed >> 8 & 0xFF),
                            static_cast<int>(*packed & 0xFF)};
}

}  // namespace

template <typename T>
std::string describe(const Range<T>& range) {
  const std::string kind = std::is_integral_v<T> ? "a whole number" : "a number";
  if (range.most == std::numeric_limits<T>::max()) {
    return fmt::format("{} {} {}", kind, range.open ? "above" : "from", range.least);
  }
  return range.open ? fmt::format("{} between {} and {}", kind, range.least, range.most)
                    : fmt::format("{} from {} to {}", kind, range.least, range.most);
}

template <typename Number>
Number read_number(const Value& value, const Range<Number>& range) {
  const auto text = value.text();
  const auto number = text ? parse_signed<Number>(*text) : std::nullopt;
  if (!number || !range.contains(*number)) throw value.refused(describe(range));
  if (std::is_floating_point_v<Number> && !std::isfinite(static_cast<double>(*number))) {
    throw value.refused(describe(range));
  }
  return *number;
}

template std::string describe(const Range<int64_t>&);
template std::string describe(const Range<uint64_t>&);
template std::string describe(const Range<double>&);
template int64_t read_number(const Value&, const Range<int64_t>&);
template uint64_t read_number(const Value&, const Range<uint64_t>&);
template double read_number(const Value&, const Range<double>&);

bool read_bool(const Value& value) {
  const auto text = value.text();
  if (text == "true") return true;
  if (text == "false") return false;
  throw value.refused("true or false");
}

std::string read_text(const Value& value) {
  const auto text = value.text();
  if (!text || text->empty()) throw value.refused("a text");
  return *text;
}

fs::path read_path(const Value& value) {
  if (value.is_null() || value.text() == "") return {};
  if (!value.text()) throw value.refused("a path");
  return absolute_path(value, *value.text());
}

std::vector<std::string> read_patterns(const Value& value) {
  if (value.is_null() || value.text() == "") return {};
  if (value.text()) return {absolute_path(value, *value.text())};
  if (!value.is_list()) throw value.refused("a list of paths or globs");
  std::vector<std::string> patterns;
  for (const Value& item : value.items()) patterns.push_back(absolute_path(item, read_text(item)));
  return patterns;
}

int64_t read_bytes(const Value& value) {
  constexpr double kMost = 0x1p60;
  const auto text = value.text();
  const auto bytes = text ? parse_bytes(*text) : std::nullopt;
  if (!bytes || *bytes < 1 || *bytes > kMost) {
    throw value.refused("a size such as 1GiB, 512MiB or 1.5GB");
  }
  return static_cast<int64_t>(std::llround(*bytes));
}

std::array<int, 3> read_color(const Value& value) {
  constexpr std::string_view kExpected =
      "a colour: [red, green, blue] from 0 to 255 or \"#rrggbb\"";
  const auto hex = parse_hex_color(value.text().value_or(""));
  if (hex) return *hex;
  if (!value.is_list() || value.items().size() != 3) throw value.refused(kExpected);
  std::array<int, 3> color = {};
  for (size_t i = 0; i < color.size(); ++i) {
    color[i] = static_cast<int>(read_number<int64_t>(value.items()[i], {0, 255}));
  }
  return color;
}

std::string bytes_text(int64_t bytes) {
  for (const Unit& unit : kUnits) {
    const auto unit_bytes = static_cast<int64_t>(unit.bytes);
    if (unit.name.size() == 3 && bytes % unit_bytes == 0) {
      return fmt::format("{}{}", bytes / unit_bytes, unit.name);
    }
  }
  return fmt::format("{}", bytes);
}

std::string color_text(const std::array<int, 3>& color) {
  return fmt::format("#{:02x}{:02x}{:02x}", color[0], color[1], color[2]);
}

}  // namespace untiled
