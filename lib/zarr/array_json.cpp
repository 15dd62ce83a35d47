// ArrayMetadata to and from zarr.json and .zarray.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "lib/codecs/codecs.h"
#include "lib/core/error.h"
#include "lib/core/printable.h"
#include "lib/zarr/array_metadata.h"
#include "lib/zarr/fill_value.h"
#include "lib/zarr/json_text.h"

namespace untiled {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostRank = 8;
constexpr int64_t kMostSide = int64_t{1} << 40;
constexpr size_t kMostCodecs = 8;

// ---- Reading --------------------------------------------------------------------------------

std::vector<int64_t> sides(const Json& object, const char* key, int64_t least) {
  return integers(key, member(object, key), least, kMostSide, 1, kMostRank);
}

/// An extension point of Zarr 3: a name, or an object with a name and a configuration.
struct Named {
  std::string name;
  Json configuration = Json::object();
};

Named named(const char* what, const Json& value) {
  if (value.is_string()) return {value.get<std::string>()};
  if (!value.is_object()) refuse(what, value, "an object with a name");
  Named parsed = {text_member(value, "name")};
  if (const Json* configuration = find_member(value, "configuration")) {
    if (!configuration->is_object()) refuse("configuration", *configuration, "an object");
    parsed.configuration = *configuration;
  }
  return parsed;
}

char parse_separator(const Json& object, const char* key, char otherwise) {
  const Json* const value = find_member(object, key);
  if (value == nullptr) return otherwise;
  if (*value != "/" && *value != ".") refuse(key, *value, "\"/\" or \".\"");
  return value->get<std::string>().front();
}

bool parse_endian(const Json& configuration) {
  const Json* const endian = find_member(configuration, "endian");
  if (endian == nullptr) return false;
  if (*endian != "little" && *endian != "big") refuse("endian", *endian, "little or big");
  return *endian == "big";
}

/// Zarr 3 and its transposes: each reorders what the one before made.
void parse_transpose(const Json& configuration, ArrayMetadata& metadata) {
  const size_t rank = metadata.shape.size();
  const auto order = integers("transpose order", member(configuration, "order"), 0,
                              static_cast<int64_t>(rank) - 1, rank, rank);
  if (metadata.order.empty()) {
    metadata.order.resize(rank);
    std::iota(metadata.order.begin(), metadata.order.end(), 0);
  }
  std::vector<int> composed;
  for (const int64_t at : order) composed.push_back(metadata.order[static_cast<size_t>(at)]);
  metadata.order = composed;
}

void parse_index_codecs(const Json& codecs, ArrayMetadata& metadata) {
  const char* const expected = "bytes, or bytes and crc32c";
  if (!codecs.is_array() || codecs.empty() || codecs.size() > 2) {
    refuse("index_codecs", codecs, expected);
  }
  const Named bytes = named("index_codecs", codecs[0]);
  if (bytes.name != "bytes") refuse("index_codecs", codecs, expected);
  metadata.index_big_endian = parse_endian(bytes.configuration);
  metadata.index_has_sum = codecs.size() == 2;
  if (metadata.index_has_sum && named("index_codecs", codecs[1]).name != "crc32c") {
    refuse("index_codecs", codecs, expected);
  }
}

void parse_codecs(const Json& codecs, bool in_shard, ArrayMetadata& metadata);

// NOLINTNEXTLINE(misc-no-recursion): shards within shards are refused
void parse_sharding(const Json& configuration, bool in_shard, ArrayMetadata& metadata) {
  if (in_shard) throw DataError("it has shards within shards, which are not read");
  if (!metadata.order.empty()) throw DataError("it transposes its shards, which is not read");
  metadata.shard = metadata.chunk;
  metadata.chunk = sides(configuration, "chunk_shape", 1);
  if (metadata.chunk.size() != metadata.shard.size()) {
    refuse("chunk_shape", member(configuration, "chunk_shape"), "one number a dimension");
  }
  parse_index_codecs(member(configuration, "index_codecs"), metadata);
  if (const Json* location = find_member(configuration, "index_location")) {
    if (*location != "start" && *location != "end") {
      refuse("index_location", *location, "start or end");
    }
    metadata.index_first = *location == "start";
  }
  parse_codecs(member(configuration, "codecs"), true, metadata);
}

/// From the array to its bytes.
// NOLINTNEXTLINE(misc-no-recursion): shards within shards are refused
void parse_array_codec(const Named& codec, bool in_shard, ArrayMetadata& metadata) {
  if (codec.name == "bytes") {
    metadata.big_endian = parse_endian(codec.configuration);
  } else if (codec.name == "sharding_indexed") {
    parse_sharding(codec.configuration, in_shard, metadata);
  } else {
    throw DataError(
        fmt::format("its codec {} stands where transpose, bytes or sharding_indexed is read",
                    printable(codec.name)));
  }
}

// NOLINTNEXTLINE(misc-no-recursion): shards within shards are refused
void parse_codecs(const Json& codecs, bool in_shard, ArrayMetadata& metadata) {
  if (!codecs.is_array() || codecs.size() > kMostCodecs) refuse("codecs", codecs, "a short list");
  bool is_bytes = false;
  for (const Json& item : codecs) {
    const Named codec = named("codec", item);
    if (is_bytes) {
      if (!in_shard && !metadata.shard.empty()) {
        throw DataError(fmt::format("its codec {} is applied to whole shards, which is not read",
                                    printable(codec.name)));
      }
      if (codec.name == "zlib") throw DataError("its codec zlib is none of Zarr 3");
      metadata.codecs.push_back(make_codec(codec.name, codec.configuration));
    } else if (codec.name == "transpose") {
      parse_transpose(codec.configuration, metadata);
    } else {
      parse_array_codec(codec, in_shard, metadata);
      is_bytes = true;
    }
  }
  if (!is_bytes) throw DataError("its codecs make no bytes of it");
}

void parse_key_encoding(const Json& object, ArrayMetadata& metadata) {
  const Named encoding = named("chunk_key_encoding", member(object, "chunk_key_encoding"));
  if (encoding.name != "default" && encoding.name != "v2") {
    refuse("chunk_key_encoding", encoding.name, "default or v2");
  }
  metadata.prefixed = encoding.name == "default";
  metadata.separator =
      parse_separator(encoding.configuration, "separator", metadata.prefixed ? '/' : '.');
}

void parse_dimension_names(const Json& object, ArrayMetadata& metadata) {
  const Json* const names = find_member(object, "dimension_names");
  if (names == nullptr || names->is_null()) return;
  if (!names->is_array() || names->size() != metadata.shape.size()) {
    refuse("dimension_names", *names, "one name a dimension");
  }
  for (const Json& name : *names) {
    if (!name.is_string() && !name.is_null()) refuse("dimension_names", *names, "texts");
    metadata.dimension_names.push_back(name.is_null() ? "" : name.get<std::string>());
  }
}

/// What a reader need not understand says so; transformers of the store would change everything.
void require_understood(const Json& object) {
  static constexpr std::array<std::string_view, 11> kKnown = {
      "zarr_format",     "node_type",           "shape",
      "data_type",       "chunk_grid",          "codecs",
      "fill_value",      "chunk_key_encoding",  "attributes",
      "dimension_names", "storage_transformers"};
  for (const auto& [key, value] : object.items()) {
    if (std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end()) continue;
    const Json* const must = find_member(value, "must_understand");
    if (must == nullptr || *must != false) {
      throw DataError(fmt::format("its {} is not understood", printable(key.substr(0, 60))));
    }
  }
  const Json* const transformers = find_member(object, "storage_transformers");
  if (transformers != nullptr && *transformers != Json::array()) {
    refuse("storage_transformers", *transformers, "an empty list");
  }
}

DataType parse_type(const Json& object, const char* key) {
  const Json& name = member(object, key);
  const auto type = name.is_string() ? data_type(name.get<std::string>()) : std::nullopt;
  if (!type) refuse(key, name, "bool, int, uint of 8 to 64 bits, float32 or float64");
  return *type;
}

ArrayMetadata parse_v3(const Json& object) {
  if (member(object, "zarr_format") != 3) refuse("zarr_format", object["zarr_format"], "3");
  if (member(object, "node_type") != "array") refuse("node_type", object["node_type"], "array");
  require_understood(object);
  ArrayMetadata metadata;
  metadata.shape = sides(object, "shape", 0);
  metadata.type = parse_type(object, "data_type");
  const Named grid = named("chunk_grid", member(object, "chunk_grid"));
  if (grid.name != "regular") refuse("chunk_grid", grid.name, "a regular one");
  metadata.chunk = sides(grid.configuration, "chunk_shape", 1);
  parse_key_encoding(object, metadata);
  metadata.fill = parse_fill(member(object, "fill_value"), metadata.type);
  parse_codecs(member(object, "codecs"), false, metadata);
  parse_dimension_names(object, metadata);
  return metadata;
}

void parse_compressor(const Json& object, ArrayMetadata& metadata) {
  const Json& compressor = member(object, "compressor");
  if (compressor.is_null()) return;
  Json configuration = compressor;
  const std::string name = text_member(compressor, "id");
  configuration.erase("id");
  metadata.codecs.push_back(make_codec(name, configuration));
}

ArrayMetadata parse_v2(const Json& object) {
  if (member(object, "zarr_format") != 2) refuse("zarr_format", object["zarr_format"], "2");
  ArrayMetadata metadata;
  metadata.format = ZarrFormat::kV2;
  metadata.prefixed = false;
  metadata.shape = sides(object, "shape", 0);
  metadata.chunk = sides(object, "chunks", 1);
  const Json& name = member(object, "dtype");
  const auto type = name.is_string() ? v2_data_type(name.get<std::string>()) : std::nullopt;
  if (!type) refuse("dtype", name, "a bool, integer or float of 8 to 64 bits");
  metadata.type = type->type;
  metadata.big_endian = type->big_endian;
  metadata.separator = parse_separator(object, "dimension_separator", '.');
  metadata.fill = parse_fill(member(object, "fill_value"), metadata.type);
  const std::string order = text_member(object, "order");
  if (order != "C" && order != "F") refuse("order", order, "C or F");
  if (order == "F") {
    metadata.order.resize(metadata.shape.size());
    std::iota(metadata.order.rbegin(), metadata.order.rend(), 0);
  }
  const Json* const filters = find_member(object, "filters");
  if (filters != nullptr && !filters->is_null() && *filters != Json::array()) {
    refuse("filters", *filters, "none");
  }
  parse_compressor(object, metadata);
  return metadata;
}

// ---- Writing --------------------------------------------------------------------------------

Json bytes_json(DataType type) {
  if (bytes_of(type) == 1) return {{"name", "bytes"}};
  return {{"name", "bytes"}, {"configuration", {{"endian", "little"}}}};
}

Json chunk_codecs_json(const ArrayMetadata& metadata) {
  Json codecs = Json::array();
  if (!metadata.order.empty()) {
    codecs.push_back({{"name", "transpose"}, {"configuration", {{"order", metadata.order}}}});
  }
  codecs.push_back(bytes_json(metadata.type));
  for (const CodecPtr& codec : metadata.codecs) {
    Json item = {{"name", codec->name()}};
    if (!codec->configuration().empty()) item["configuration"] = codec->configuration();
    codecs.push_back(std::move(item));
  }
  return codecs;
}

Json codecs_json(const ArrayMetadata& metadata) {
  Json codecs = chunk_codecs_json(metadata);
  if (metadata.shard.empty()) return codecs;
  const Json index = {{{"name", "bytes"}, {"configuration", {{"endian", "little"}}}},
                      {{"name", "crc32c"}}};
  return Json::array({{{"name", "sharding_indexed"},
                       {"configuration",
                        {{"chunk_shape", metadata.chunk},
                         {"codecs", codecs},
                         {"index_codecs", index},
                         {"index_location", "end"}}}}});
}

Json v3_json(const ArrayMetadata& metadata) {
  const auto& file_shape = metadata.shard.empty() ? metadata.chunk : metadata.shard;
  Json object = {
      {"zarr_format", 3},
      {"node_type", "array"},
      {"shape", metadata.shape},
      {"data_type", to_string(metadata.type)},
      {"chunk_grid", {{"name", "regular"}, {"configuration", {{"chunk_shape", file_shape}}}}},
      {"chunk_key_encoding",
       {{"name", metadata.prefixed ? "default" : "v2"},
        {"configuration", {{"separator", std::string(1, metadata.separator)}}}}},
      {"fill_value", fill_json(metadata.fill, metadata.type)},
      {"codecs", codecs_json(metadata)},
      {"attributes", Json::object()}};
  if (!metadata.dimension_names.empty()) object["dimension_names"] = metadata.dimension_names;
  return object;
}

Json compressor_json(const ArrayMetadata& metadata) {
  if (metadata.codecs.empty()) return nullptr;
  const Codec& codec = *metadata.codecs.front();
  Json compressor = codec.configuration();
  compressor["id"] = codec.name();
  return compressor;
}

Json v2_json(const ArrayMetadata& metadata) {
  return {{"zarr_format", 2},
          {"shape", metadata.shape},
          {"chunks", metadata.chunk},
          {"dtype", to_v2(metadata.type)},
          {"compressor", compressor_json(metadata)},
          {"fill_value", fill_json(metadata.fill, metadata.type)},
          {"order", "C"},
          {"filters", nullptr},
          {"dimension_separator", std::string(1, metadata.separator)}};
}

}  // namespace

std::string to_json_text(const ArrayMetadata& metadata) {
  const Json object = metadata.format == ZarrFormat::kV3 ? v3_json(metadata) : v2_json(metadata);
  return object.dump(2) + "\n";
}

ArrayMetadata parse_array(std::string_view text, ZarrFormat format) {
  const Json object = parse_json(text);
  ArrayMetadata metadata = format == ZarrFormat::kV3 ? parse_v3(object) : parse_v2(object);
  require_sound(metadata);
  return metadata;
}

}  // namespace untiled
