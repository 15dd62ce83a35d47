#include "lib/train/safetensors.h"

#include <limits>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/train/named_tensors.h"
#include "tests/catch.h"
#include "tests/train/scratch_folder.h"
#include "tests/train/tensors.h"

namespace untiled {
namespace {

NamedTensors sample() {
  return {{"weight", "count", "mask", "scale", "empty"},
          {tensor_of<float>({2, 3}, {1.5F, -0.0F, 3.0F, 4.0F, 5.0F, 1e-42F}),
           tensor_of<int64_t>({}, {-7}), tensor_of<uint8_t>({3}, {0, 128, 255}),
           tensor_of<double>({2}, {0.1, std::numeric_limits<double>::infinity()}),
           tensor_of<float>({0, 4}, {})}};
}

std::string with_header(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string file(reinterpret_cast<const char*>(&length), sizeof(length));
  return file + header + data;
}

std::string message_of(const std::filesystem::path& path) {
  try {
    read_safetensors(path);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("a safetensors file gives back every bit, name and metadatum") {
  const ScratchFolder folder;
  const auto path = folder / "a/b.safetensors";
  const NamedTensors tensors = sample();
  write_safetensors(path, tensors, {{"format", "x"}, {"quote", "\"{\n"}});
  const SafetensorsFile file = read_safetensors(path);
  CHECK(file.metadata == Metadata{{"format", "x"}, {"quote", "\"{\n"}});
  // Larger elements first, then by name.
  CHECK(file.tensors.names ==
        std::vector<std::string>{"count", "scale", "empty", "weight", "mask"});
  const NamedTensors read = match(file.tensors, tensors);
  for (size_t i = 0; i < tensors.names.size(); ++i) {
    CHECK(same_bits(read.tensors[i], tensors.tensors[i]));
  }
}

TEST_CASE("the order of tensors does not change a safetensors file") {
  const ScratchFolder folder;
  const NamedTensors tensors = sample();
  NamedTensors reversed = tensors;
  std::reverse(reversed.names.begin(), reversed.names.end());
  std::reverse(reversed.tensors.begin(), reversed.tensors.end());
  write_safetensors(folder / "a", tensors);
  write_safetensors(folder / "b", reversed);
  const std::string bytes = read_file(folder / "a");
  CHECK(bytes == read_file(folder / "b"));
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
  CHECK(header_bytes % 8 == 0);
}

TEST_CASE("a strided view is written as its values") {
  const ScratchFolder folder;
  const at::Tensor matrix = tensor_of<float>({2, 2}, {1, 2, 3, 4});
  write_safetensors(folder / "t", {{"t"}, {matrix.t()}});
  const SafetensorsFile file = read_safetensors(folder / "t");
  CHECK(values_of<float>(file.tensors.tensors.at(0)) == std::vector<float>{1, 3, 2, 4});
}

TEST_CASE("half precision, in which weights are often published, is read") {
  const ScratchFolder folder;
  const at::Tensor values = tensor_of<float>({3}, {1.5F, -0.25F, 0});
  write_safetensors(folder / "t", {{"b", "h"}, {values.to(at::kBFloat16), values.to(at::kHalf)}});
  const SafetensorsFile file = read_safetensors(folder / "t");
  CHECK(file.tensors.tensors.at(0).scalar_type() == at::kBFloat16);
  CHECK(file.tensors.tensors.at(1).scalar_type() == at::kHalf);
  for (const at::Tensor& tensor : file.tensors.tensors) {
    CHECK(values_of<float>(tensor.to(at::kFloat)) == std::vector<float>{1.5F, -0.25F, 0});
  }
}

TEST_CASE("a safetensors file cut anywhere is refused") {
  const ScratchFolder folder;
  write_safetensors(folder / "file", sample());
  const std::string bytes = read_file(folder / "file");
  for (size_t size = bytes.size(); size-- > 0;) {
    std::filesystem::resize_file(folder / "file", size);
    REQUIRE_THROWS_AS(read_safetensors(folder / "file"), DataError);
  }
  write_file(folder / "longer", bytes + "x");
  CHECK_THROWS_AS(read_safetensors(folder / "longer"), DataError);
}

TEST_CASE("headers that break the format are refused with the reason") {
  struct Case {
    std::string header;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {"[]", "its header is not a JSON object"},
      {"{\"a\":", "its header is not JSON"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", "tensor a lacks dtype, shape or data_offsets"},
      {R"({"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", "dtype \"F8_E4M3\""},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "disagree with its shape"},
      {R"({"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}})",
       "disagree with its shape"},
      {R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
       "names \"a\" twice"},
      {R"({"__metadata__":{},"__metadata__":{"x":"y"}})", "names \"__metadata__\" twice"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "not a whole number"},
      {R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,8]}})", "not a whole number"},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]}})",
       "disagree with its shape"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "begins at byte 4"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       "begins at byte 0 where byte 4"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "describes 4 bytes"},
      {R"({"__metadata__":{"a":1}})", "something other than text"},
  };
  const ScratchFolder folder;
  for (const Case& c : cases) {
    write_file(folder / "bad", with_header(c.header, std::string(8, '\0')));
    INFO(c.header);
    const std::string message = message_of(folder / "bad");
    CHECK_THAT(message, contains_text(c.expected));
    CHECK_THAT(message, contains_text((folder / "bad").string()));
  }
}

TEST_CASE("a header length beyond the file is refused before it is allocated") {
  const ScratchFolder folder;
  std::string bytes = with_header("{}", "");
  bytes[5] = '\x7f';
  write_file(folder / "bad", bytes);
  CHECK_THAT(message_of(folder / "bad"), contains_text("its header claims"));
}

TEST_CASE("files that people give in place of a safetensors file are named") {
  using std::string_literals::operator""s;
  const ScratchFolder folder;
  for (const auto& [start, name] :
       {std::pair("PK\x03\x04"s, "zip archive, as PyTorch's"), std::pair("\x80\x02}q"s, "pickle"),
        std::pair("\x89HDF\r\n\x1A\n"s, "HDF5"),
        std::pair("version https://git-lfs.github.com/spec/v1"s, "git lfs pull")}) {
    write_file(folder / "a.pt", start + std::string(100, '\xFF'));
    CHECK_THAT(message_of(folder / "a.pt"), contains_text("a.pt") && contains_text(name));
  }
  // A header of 640 bytes begins as a pickle does.
  write_file(folder / "a.pt", with_header("{}" + std::string(638, ' '), ""));
  CHECK(message_of(folder / "a.pt") == "no error");
}

TEST_CASE("a missing safetensors file and a folder are data errors") {
  const ScratchFolder folder;
  CHECK_THROWS_AS(read_safetensors(folder / "absent"), DataError);
  std::filesystem::create_directory(folder / "folder");
  CHECK_THROWS_AS(read_safetensors(folder / "folder"), DataError);
}

TEST_CASE("a name given twice is refused when writing") {
  const ScratchFolder folder;
  const at::Tensor one = tensor_of<float>({1}, {1});
  CHECK_THROWS_AS(write_safetensors(folder / "x", {{"a", "a"}, {one, one}}), InternalError);
  CHECK_FALSE(std::filesystem::exists(folder / "x"));
}

TEST_CASE("metadata that are no UTF-8 text are refused when writing") {
  const ScratchFolder folder;
  CHECK_THROWS_WITH(write_safetensors(folder / "x", {}, {{"classes", "caf\xE9"}}),
                    contains_text("classes of its metadata is no UTF-8 text"));
  CHECK_THROWS_AS(write_safetensors(folder / "x", {}, {{"caf\xE9", ""}}), DataError);
  CHECK_FALSE(std::filesystem::exists(folder / "x"));
  write_safetensors(folder / "x", {}, {{"classes", "caf\xC3\xA9"}});
  CHECK(read_safetensors(folder / "x").metadata.at("classes") == "caf\xC3\xA9");
}

TEST_CASE("a header of 250,000 tensors is read, and a deep or endless one refused") {
  const ScratchFolder folder;
  std::string header = "{";
  constexpr int kTensors = 250'000;  // Each with all others would take until the test is ended.
  for (int i = 0; i < kTensors; ++i) {
    const std::string at = std::to_string(i);
    header += (i == 0 ? "\"t" : ",\"t") + at + R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" +
              at + "," + std::to_string(i + 1) + "]}";
  }
  write_file(folder / "many", with_header(header + "}", std::string(kTensors, 'x')));
  CHECK(read_safetensors(folder / "many").tensors.names.size() == kTensors);
  write_file(folder / "deep", with_header(R"({"a":)" + std::string(1'000'000, '['), ""));
  CHECK_THAT(message_of(folder / "deep"), contains_text("levels"));
  write_file(folder / "long", with_header(std::string(17 << 20, ' '), ""));
  CHECK_THAT(message_of(folder / "long"), contains_text("a header at most"));
  CHECK_THROWS_WITH(read_safetensors("/dev/zero"), contains_text("a device"));
  CHECK_THROWS_WITH(read_safetensors(folder / "."), contains_text("a folder"));
}

}  // namespace
}  // namespace untiled
