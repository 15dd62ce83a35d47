#include "lib/train/safetensors.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/json_text.h"
#include "lib/core/printable.h"
#include "lib/core/regular_file.h"

namespace untiled {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr int64_t kLengthBytes = 8;
constexpr int64_t kAlignment = 8;
constexpr int64_t kMaxHeaderBytes = 16 << 20;  ///< Of 100,000 tensors and more.
constexpr size_t kMaxDimensions = 16;

struct DtypeName {
  const char* name;
  at::ScalarType dtype;
};
constexpr std::array<DtypeName, 6> kDtypes = {{{"F64", at::kDouble},
                                               {"I64", at::kLong},
                                               {"F32", at::kFloat},
                                               {"U8", at::kByte},
                                               {"F16", at::kHalf},
                                               {"BF16", at::kBFloat16}}};

/// Where a tensor lies: bytes [begin, end) behind the header.
struct Entry {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape;
  int64_t begin = 0;
  int64_t end = 0;
};

DataError invalid(const std::filesystem::path& path, std::string_view what) {
  return DataError(fmt::format("{} is not a valid safetensors file: {}", path.string(), what));
}

std::string dtype_name(const at::Tensor& tensor, const std::string& name) {
  for (const DtypeName& known : kDtypes) {
    if (known.dtype == tensor.scalar_type()) return known.name;
  }
  throw InternalError(fmt::format("tensor {} has dtype {}, which is not written to safetensors",
                                  name, at::toString(tensor.scalar_type())));
}

std::vector<size_t> file_order(const NamedTensors& tensors) {
  std::vector<size_t> order(tensors.names.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const size_t size_a = tensors.tensors[a].element_size();
    const size_t size_b = tensors.tensors[b].element_size();
    return size_a != size_b ? size_a > size_b : tensors.names[a] < tensors.names[b];
  });
  return order;
}

std::string make_header(const NamedTensors& tensors, const std::vector<size_t>& order,
                        const Metadata& metadata) {
  ordered_json header = ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  int64_t offset = 0;
  for (const size_t i : order) {
    const at::Tensor& tensor = tensors.tensors[i];
    const auto end = offset + static_cast<int64_t>(tensor.nbytes());
    header[tensors.names[i]] = {{"dtype", dtype_name(tensor, tensors.names[i])},
                                {"shape", tensor.sizes().vec()},
                                {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  return text;
}

void check_names(const NamedTensors& tensors) {
  auto names = tensors.names;
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end() ||
      tensors.names.size() != tensors.tensors.size()) {
    throw InternalError("tensors to be saved need one name each, and no name twice");
  }
}

/// JSON holds no other text, and names that people give may be any.
void check_metadata(const std::filesystem::path& path, const Metadata& metadata) {
  for (const auto& [key, value] : metadata) {
    if (is_utf8(key) && is_utf8(value)) continue;
    throw DataError(fmt::format("{} cannot be written: {} of its metadata is no UTF-8 text",
                                path.string(), text_name(key)));
  }
}

int64_t read_index(const json& value) {
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!value.is_number_unsigned() || value.get<uint64_t>() > kMax) {
    throw DataError("a shape or offset is not a whole number");
  }
  return value.get<int64_t>();
}

at::ScalarType read_dtype(const json& value) {
  for (const DtypeName& known : kDtypes) {
    if (value == known.name) return known.dtype;
  }
  throw DataError(
      fmt::format("dtype {} is not one of F64, F32, F16, BF16, I64 and U8", value.dump()));
}

std::vector<int64_t> read_indices(const json& value) {
  std::vector<int64_t> indices;
  for (const json& item : value) indices.push_back(read_index(item));
  return indices;
}

/// Bytes of a tensor, or nothing when they, or the strides of one without elements, do not fit
/// int64.
std::optional<int64_t> byte_count(const Entry& entry) {
  auto most = static_cast<int64_t>(c10::elementSize(entry.dtype));
  bool is_empty = false;
  for (const int64_t size : entry.shape) {
    is_empty |= size == 0;
    if (__builtin_mul_overflow(most, std::max<int64_t>(size, 1), &most)) return std::nullopt;
  }
  return is_empty ? 0 : most;
}

Entry parse_entry(const std::string& name, const json& value) {
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets") || !value["shape"].is_array() ||
      !value["data_offsets"].is_array() || value["data_offsets"].size() != 2) {
    throw DataError(fmt::format("tensor {} lacks dtype, shape or data_offsets", name));
  }
  if (value["shape"].size() > kMaxDimensions) {
    throw DataError(fmt::format("tensor {} has {} dimensions", name, value["shape"].size()));
  }
  Entry entry{name, read_dtype(value["dtype"]), read_indices(value["shape"]),
              read_index(value["data_offsets"][0]), read_index(value["data_offsets"][1])};
  if (byte_count(entry) != entry.end - entry.begin) {
    throw DataError(fmt::format("the offsets of tensor {} disagree with its shape", name));
  }
  return entry;
}

Metadata parse_metadata(const json& value) {
  Metadata metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) throw DataError("__metadata__ holds something other than text");
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

/// Sorts entries by place and checks that they cover [0, data_bytes) once.
void order_and_check(std::vector<Entry>& entries, int64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  int64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != covered) {
      throw DataError(fmt::format("tensor {} begins at byte {} where byte {} was expected",
                                  entry.name, entry.begin, covered));
    }
    covered = entry.end;
  }
  if (covered != data_bytes) {
    throw DataError(fmt::format("the header describes {} bytes of tensors and the file holds {}",
                                covered, data_bytes));
  }
}

/// The format forbids a name that is there twice, of which JSON's readers keep the last. The names
/// are met one after the other: the library's parser with a callback looks through all tensors
/// after each of them.
class NamesOnce : public nlohmann::json_sax<json> {
 public:
  bool key(string_t& name) override {
    if (depth_ != 1 || names_.insert(name).second) return true;
    throw DataError(fmt::format("names {} twice", json(name).dump()));
  }
  bool start_object(size_t /*elements*/) override { return enter(); }
  bool start_array(size_t /*elements*/) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool parse_error(size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    throw DataError(std::string("cannot be read as JSON: ") + error.what());
  }

 private:
  bool enter() {
    ++depth_;
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }

  std::unordered_set<std::string> names_;
  int depth_ = 0;
};

void require_names_once(std::string_view text) {
  NamesOnce names;
  json::sax_parse(text, &names);
}

json parse_header(std::string_view text) {
  try {
    json header = parse_json<json>(text);
    require_names_once(text);
    return header;
  } catch (const DataError& problem) {
    throw DataError(fmt::format("its header {}", problem.what()));
  }
}

/// What people give in place of a checkpoint, told by its first bytes, which would be a length.
void refuse_other_kinds(std::string_view start) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kKinds = {
      {{"PK\x03\x04", "a zip archive, as PyTorch's own files (.pt, .pth) are"},
       {"\x80\x02", "a pickle of Python"},
       {"\x89HDF", "an HDF5 file, as Keras writes"},
       {"version ", "a Git LFS pointer, perhaps: fetch the file with git lfs pull"}}};
  for (const auto& [bytes, name] : kKinds) {
    if (start.starts_with(bytes)) throw DataError(fmt::format("it is {}", name));
  }
}

/// Keys are sorted: looking each of 100,000 names up in an ordered object would take minutes.
json read_header(std::ifstream& stream, int64_t file_bytes) {
  uint64_t length = 0;
  stream.read(reinterpret_cast<char*>(&length), kLengthBytes);
  if (!stream || length < 2) throw DataError("it has no header");
  if (length > kMaxHeaderBytes || static_cast<int64_t>(length) > file_bytes - kLengthBytes) {
    refuse_other_kinds({reinterpret_cast<const char*>(&length), kLengthBytes});
    throw DataError(
        fmt::format("its header claims {} bytes, the file has {} and a header at most {}", length,
                    file_bytes, kMaxHeaderBytes));
  }
  std::string text(length, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(length));
  if (!stream) throw DataError("its header cannot be read");
  json header = parse_header(text);
  if (!header.is_object()) throw DataError("its header is not a JSON object");
  return header;
}

at::Tensor read_tensor(std::ifstream& stream, const Entry& entry) {
  at::Tensor tensor = at::empty(entry.shape, entry.dtype);
  stream.read(static_cast<char*>(tensor.data_ptr()), static_cast<std::streamsize>(tensor.nbytes()));
  if (!stream) throw DataError(fmt::format("tensor {} cannot be read", entry.name));
  return tensor;
}

SafetensorsFile read_stream(std::ifstream& stream, int64_t file_bytes) {
  const json header = read_header(stream, file_bytes);
  SafetensorsFile file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      file.metadata = parse_metadata(value);
    } else {
      entries.push_back(parse_entry(name, value));
    }
  }
  order_and_check(entries, file_bytes - static_cast<int64_t>(stream.tellg()));
  for (const Entry& entry : entries) {
    file.tensors.names.push_back(entry.name);
    file.tensors.tensors.push_back(read_tensor(stream, entry));
  }
  return file;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const Metadata& metadata) {
  check_names(tensors);
  check_metadata(path, metadata);
  const std::vector<size_t> order = file_order(tensors);
  const std::string header = make_header(tensors, order, metadata);
  AtomicFile file(path);
  std::ofstream stream(file.path(), std::ios::binary | std::ios::trunc);
  const uint64_t length = header.size();
  stream.write(reinterpret_cast<const char*>(&length), kLengthBytes);
  stream.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const size_t i : order) {
    const at::Tensor tensor = tensors.tensors[i].cpu().contiguous();
    stream.write(static_cast<const char*>(tensor.const_data_ptr()),
                 static_cast<std::streamsize>(tensor.nbytes()));
  }
  stream.close();
  if (!stream) throw write_error(path, errno);
  file.commit();
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  require_regular_file(path);
  std::error_code error;
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(path, error));
  std::ifstream stream(path, std::ios::binary);
  if (error || !stream) {
    throw DataError(fmt::format("cannot read {}: {}", path.string(),
                                error ? error.message() : std::strerror(errno)));
  }
  try {
    return read_stream(stream, bytes);
  } catch (const DataError& problem) {
    throw invalid(path, problem.what());
  }
}

}  // namespace untiled
