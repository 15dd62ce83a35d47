#include "lib/train/check_sum.h"

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/train/checkpoint.h"
#include "lib/train/classifier_checkpoint.h"
#include "tests/catch.h"
#include "tests/train/scratch_folder.h"
#include "tests/train/tensors.h"

namespace untiled {
namespace {

NamedTensors weights() {
  return {{"a.weight", "b.bias"},
          {tensor_of<float>({3}, {1, 2, 3}), tensor_of<double>({2}, {0.5, -0.25})}};
}

/// Where the tensors of a safetensors file begin.
size_t header_end(const std::string& file) {
  size_t length = 0;
  for (size_t i = 8; i-- > 0;) length = length << 8 | static_cast<uint8_t>(file[i]);
  return length + 8;
}

void save(const std::filesystem::path& path, bool is_classifier) {
  if (is_classifier) {
    ClassifierInfo info;
    info.labels = {"a", "b"};
    save_classifier(path, weights(), info);
  } else {
    CheckpointInfo info;
    info.classes = {{"tissue", 1, {1, 2, 3}, 1}};
    save_checkpoint(path, weights(), info);
  }
}

void load(const std::filesystem::path& path, bool is_classifier) {
  if (is_classifier) {
    load_classifier(path);
  } else {
    load_checkpoint(path);
  }
}

TEST_CASE("a checkpoint of either kind in whose tensors a bit has changed is refused") {
  const bool is_classifier = GENERATE(false, true);
  const ScratchFolder folder;
  save(folder / "c", is_classifier);
  CHECK_NOTHROW(load(folder / "c", is_classifier));
  const std::string whole = read_file(folder / "c");
  REQUIRE(whole.size() == header_end(whole) + 28);
  for (size_t at = header_end(whole); at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    write_file(folder / "c", damaged);
    INFO(at);
    CHECK_THROWS_WITH(load(folder / "c", is_classifier),
                      contains_text("check sum") && contains_text("damaged"));
  }
}

TEST_CASE("no bit of a checkpoint can change and leave another checkpoint that is read") {
  const bool is_classifier = GENERATE(false, true);
  const ScratchFolder folder;
  save(folder / "c", is_classifier);
  const std::string whole = read_file(folder / "c");
  const size_t end = whole.rfind("}", header_end(whole) - 1);
  for (size_t at = 0; at <= end; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 7));
    if (damaged.find("\"check_sum\"") == std::string::npos) continue;  // Then it says none.
    write_file(folder / "c", damaged);
    INFO(at << ": " << whole.substr(at, 20));
    CHECK_THROWS_AS(load(folder / "c", is_classifier), DataError);
  }
}

TEST_CASE("a check sum depends on names, shapes, values and texts, not on the order of tensors") {
  const std::string sum = check_sum(weights(), "text");
  NamedTensors turned = weights();
  std::swap(turned.names[0], turned.names[1]);
  CHECK(check_sum(turned, "text") != sum);
  std::swap(turned.tensors[0], turned.tensors[1]);
  CHECK(check_sum(turned, "text") == sum);
  CHECK(check_sum(turned, "texts") != sum);
  turned.tensors[1] = turned.tensors[1].reshape({3, 1});
  CHECK(check_sum(turned, "text") != sum);
  CHECK(with_check_sum(weights(), {{"a", "b c"}}).at("check_sum") !=
        with_check_sum(weights(), {{"a", "b"}, {"c", ""}}).at("check_sum"));
}

TEST_CASE("a checkpoint without a check sum, as other programs write it, is read") {
  const ScratchFolder folder;
  CheckpointInfo info;
  info.classes = {{"tissue", 1, {1, 2, 3}, 1}};
  write_safetensors(folder / "c", weights(), to_metadata(info));
  CHECK(load_checkpoint(folder / "c").parameters.names.size() == 2);
}

}  // namespace
}  // namespace untiled
