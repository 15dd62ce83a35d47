// Types of an array's elements.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace untiled {

enum class DataType {
  kBool,
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat32,
  kFloat64
};

size_t bytes_of(DataType type);
bool is_float(DataType type);

/// As Zarr 3 has it: "uint8".
std::string to_string(DataType type);
std::optional<DataType> data_type(std::string_view name);

/// A type as Zarr 2 has it, "<f4": kind, bytes, and whether the most significant byte comes first.
struct ByteOrderedType {
  DataType type;
  bool big_endian = false;
};

/// Least significant byte first, or "|u1".
std::string to_v2(DataType type);
std::optional<ByteOrderedType> v2_data_type(std::string_view name);

}  // namespace untiled
