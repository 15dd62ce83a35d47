#include "lib/train/check_sum.h"

#include <fmt/format.h>

#include <map>

#include "lib/core/error.h"
#include "lib/train/named_tensors.h"

namespace untiled {
namespace {

constexpr const char* kEntry = "check_sum";

/// All entries but the sum itself, each with its length, so that no two lists are the same text.
std::string text_of(const Metadata& metadata) {
  std::string text;
  for (const auto& [key, value] : metadata) {
    if (key != kEntry) text += fmt::format("{} {} {} {} ", key.size(), key, value.size(), value);
  }
  return text;
}

/// As JSON, which all values of a checkpoint's metadata are.
std::string entry_of(const NamedTensors& tensors, const Metadata& metadata) {
  return fmt::format("\"{}\"", check_sum(tensors, text_of(metadata)));
}

}  // namespace

std::string check_sum(const NamedTensors& tensors, std::string_view text) {
  std::map<std::string, at::Tensor> by_name;
  for (size_t i = 0; i < tensors.names.size(); ++i) by_name[tensors.names[i]] = tensors.tensors[i];
  NamedTensors sorted;
  for (const auto& [name, tensor] : by_name) {
    sorted.names.push_back(name);
    sorted.tensors.push_back(tensor);
  }
  return content_hash(content_hash(sorted).append(text));
}

Metadata with_check_sum(const NamedTensors& tensors, Metadata metadata) {
  metadata[kEntry] = entry_of(tensors, metadata);
  return metadata;
}

void require_check_sum(const SafetensorsFile& file) {
  const auto expected = file.metadata.find(kEntry);
  if (expected == file.metadata.end()) return;
  const std::string found = entry_of(file.tensors, file.metadata);
  if (found == expected->second) return;
  throw DataError(fmt::format(
      "it is damaged, or was changed by another program: its check sum is {} where {} belongs",
      found, expected->second));
}

}  // namespace untiled
