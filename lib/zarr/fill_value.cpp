#include "lib/zarr/fill_value.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "lib/core/error.h"
#include "lib/core/number.h"
#include "lib/zarr/json_text.h"

namespace untiled {
namespace {

using Json = nlohmann::json;

template <typename T>
std::vector<uint8_t> bytes_of_value(T value) {
  std::vector<uint8_t> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

template <typename T>
T value_of(const std::vector<uint8_t>& bytes) {
  T value{};
  if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

template <typename T>
std::vector<uint8_t> parse_integer(const Json& value) {
  const bool fits = value.is_number_unsigned()
                        ? value.get<uint64_t>() <= uint64_t{std::numeric_limits<T>::max()}
                        : value.is_number_integer() &&
                              value.get<int64_t>() >= int64_t{std::numeric_limits<T>::min()};
  if (!fits) refuse("fill_value", value, "an integer of its data type");
  return bytes_of_value(value.get<T>());
}

template <>
std::vector<uint8_t> parse_integer<uint64_t>(const Json& value) {
  if (!value.is_number_unsigned()) refuse("fill_value", value, "an integer of its data type");
  return bytes_of_value(value.get<uint64_t>());
}

/// "0x7fc00000": the element's bits.
template <typename T, typename Bits>
std::vector<uint8_t> parse_bits(const Json& value, const std::string& text) {
  Bits bits = 0;
  const bool sized = text.size() == 2 + 2 * sizeof(Bits) && text.starts_with("0x");
  if (!sized) refuse("fill_value", value, "a number, NaN, Infinity or -Infinity");
  for (size_t at = 2; at < text.size(); at += 8) {
    const auto part = parse_hex(std::string_view(text).substr(at, 8));
    if (!part) refuse("fill_value", value, "a number, NaN, Infinity or -Infinity");
    bits = static_cast<Bits>(static_cast<uint64_t>(bits) << 32 | *part);
  }
  return bytes_of_value(bits);
}

template <typename T, typename Bits>
std::vector<uint8_t> parse_float(const Json& value) {
  using Limits = std::numeric_limits<T>;
  if (value.is_number()) return bytes_of_value(static_cast<T>(value.get<double>()));
  if (!value.is_string()) refuse("fill_value", value, "a number, NaN, Infinity or -Infinity");
  const auto text = value.get<std::string>();
  if (text == "NaN") return bytes_of_value(Limits::quiet_NaN());
  if (text == "Infinity") return bytes_of_value(Limits::infinity());
  if (text == "-Infinity") return bytes_of_value(-Limits::infinity());
  return parse_bits<T, Bits>(value, text);
}

std::vector<uint8_t> parse_bool(const Json& value) {
  if (value.is_boolean()) return {static_cast<uint8_t>(value.get<bool>() ? 1 : 0)};
  if (value.is_number_unsigned() && value.get<uint64_t>() < 2) {
    return {static_cast<uint8_t>(value.get<uint64_t>())};
  }
  refuse("fill_value", value, "true or false");
}

template <typename T>
Json float_json(T value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return static_cast<double>(value);
}

}  // namespace

std::vector<uint8_t> parse_fill(const Json& value, DataType type) {
  if (value.is_null()) return std::vector<uint8_t>(bytes_of(type), 0);
  switch (type) {
    case DataType::kBool:
      return parse_bool(value);
    case DataType::kInt8:
      return parse_integer<int8_t>(value);
    case DataType::kUint8:
      return parse_integer<uint8_t>(value);
    case DataType::kInt16:
      return parse_integer<int16_t>(value);
    case DataType::kUint16:
      return parse_integer<uint16_t>(value);
    case DataType::kInt32:
      return parse_integer<int32_t>(value);
    case DataType::kUint32:
      return parse_integer<uint32_t>(value);
    case DataType::kInt64:
      return parse_integer<int64_t>(value);
    case DataType::kUint64:
      return parse_integer<uint64_t>(value);
    case DataType::kFloat32:
      return parse_float<float, uint32_t>(value);
    case DataType::kFloat64:
      return parse_float<double, uint64_t>(value);
  }
  throw InternalError("a data type without a fill value");
}

Json fill_json(const std::vector<uint8_t>& fill, DataType type) {
  switch (type) {
    case DataType::kBool:
      return value_of<uint8_t>(fill) != 0;
    case DataType::kInt8:
      return value_of<int8_t>(fill);
    case DataType::kUint8:
      return value_of<uint8_t>(fill);
    case DataType::kInt16:
      return value_of<int16_t>(fill);
    case DataType::kUint16:
      return value_of<uint16_t>(fill);
    case DataType::kInt32:
      return value_of<int32_t>(fill);
    case DataType::kUint32:
      return value_of<uint32_t>(fill);
    case DataType::kInt64:
      return value_of<int64_t>(fill);
    case DataType::kUint64:
      return value_of<uint64_t>(fill);
    case DataType::kFloat32:
      return float_json(value_of<float>(fill));
    case DataType::kFloat64:
      return float_json(value_of<double>(fill));
  }
  throw InternalError("a data type without a fill value");
}

}  // namespace untiled
