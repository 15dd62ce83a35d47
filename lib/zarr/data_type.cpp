#include "lib/zarr/data_type.h"

#include <algorithm>
#include <array>

namespace untiled {
namespace {

struct TypeFacts {
  DataType type;
  std::string_view name;
  std::string_view v2;  ///< Without its byte order.
  size_t bytes;
};

constexpr std::array<TypeFacts, 11> kTypes = {{{DataType::kBool, "bool", "b1", 1},
                                               {DataType::kInt8, "int8", "i1", 1},
                                               {DataType::kUint8, "uint8", "u1", 1},
                                               {DataType::kInt16, "int16", "i2", 2},
                                               {DataType::kUint16, "uint16", "u2", 2},
                                               {DataType::kInt32, "int32", "i4", 4},
                                               {DataType::kUint32, "uint32", "u4", 4},
                                               {DataType::kInt64, "int64", "i8", 8},
                                               {DataType::kUint64, "uint64", "u8", 8},
                                               {DataType::kFloat32, "float32", "f4", 4},
                                               {DataType::kFloat64, "float64", "f8", 8}}};

const TypeFacts& facts_of(DataType type) {
  return *std::find_if(kTypes.begin(), kTypes.end(),
                       [type](const TypeFacts& facts) { return facts.type == type; });
}

}  // namespace

size_t bytes_of(DataType type) { return facts_of(type).bytes; }

bool is_float(DataType type) { return type == DataType::kFloat32 || type == DataType::kFloat64; }

std::string to_string(DataType type) { return std::string(facts_of(type).name); }

std::optional<DataType> data_type(std::string_view name) {
  for (const TypeFacts& facts : kTypes) {
    if (facts.name == name) return facts.type;
  }
  return std::nullopt;
}

std::string to_v2(DataType type) {
  const TypeFacts& facts = facts_of(type);
  std::string name = facts.bytes == 1 ? "|" : "<";
  return name += facts.v2;
}

std::optional<ByteOrderedType> v2_data_type(std::string_view name) {
  if (name.size() < 3) return std::nullopt;
  for (const TypeFacts& facts : kTypes) {
    if (facts.v2 != name.substr(1)) continue;
    const bool known = name[0] == '<' || name[0] == '>' || (name[0] == '|' && facts.bytes == 1);
    if (known) return ByteOrderedType{facts.type, name[0] == '>' && facts.bytes > 1};
  }
  return std::nullopt;
}

}  // namespace untiled
