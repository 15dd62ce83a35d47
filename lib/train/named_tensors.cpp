#include "lib/train/named_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lib/core/error.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace untiled {
namespace {

std::string describe(const at::Tensor& tensor) {
  return fmt::format("{} [{}]", at::toString(tensor.scalar_type()),
                     fmt::join(tensor.sizes().vec(), ", "));
}

std::string hex(const XXH128_hash_t& hash) {
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace

at::Tensor find_tensor(const NamedTensors& tensors, std::string_view name) {
  const auto found = std::find(tensors.names.begin(), tensors.names.end(), name);
  if (found == tensors.names.end()) return {};
  return tensors.tensors[static_cast<size_t>(found - tensors.names.begin())];
}

void append_prefixed(NamedTensors& tensors, std::string_view prefix, const NamedTensors& more) {
  for (size_t i = 0; i < more.names.size(); ++i) {
    tensors.names.push_back(std::string(prefix) + more.names[i]);
    tensors.tensors.push_back(more.tensors[i]);
  }
}

NamedTensors with_prefix(const NamedTensors& tensors, std::string_view prefix) {
  NamedTensors found;
  for (size_t i = 0; i < tensors.names.size(); ++i) {
    if (!tensors.names[i].starts_with(prefix)) continue;
    found.names.push_back(tensors.names[i].substr(prefix.size()));
    found.tensors.push_back(tensors.tensors[i]);
  }
  return found;
}

NamedTensors clone(const NamedTensors& tensors) {
  NamedTensors copy{tensors.names, {}};
  for (const at::Tensor& tensor : tensors.tensors) {
    copy.tensors.push_back(tensor.detach().cpu().contiguous().clone());
  }
  return copy;
}

NamedTensors match(const NamedTensors& tensors, const NamedTensors& pattern) {
  NamedTensors matched;
  for (size_t i = 0; i < pattern.names.size(); ++i) {
    const std::string& name = pattern.names[i];
    const at::Tensor tensor = find_tensor(tensors, name);
    if (!tensor.defined()) throw DataError(fmt::format("tensor {} is missing", name));
    const std::string expected = describe(pattern.tensors[i]);
    if (describe(tensor) != expected) {
      throw DataError(
          fmt::format("tensor {} is {} where {} was expected", name, describe(tensor), expected));
    }
    matched.names.push_back(name);
    matched.tensors.push_back(tensor);
  }
  for (const std::string& name : tensors.names) {
    if (!find_tensor(pattern, name).defined()) {
      throw DataError(fmt::format("tensor {} is not one of this network", name));
    }
  }
  return matched;
}

bool all_finite(const std::vector<at::Tensor>& tensors) {
  return std::all_of(tensors.begin(), tensors.end(),
                     [](const at::Tensor& tensor) { return tensor.isfinite().all().item<bool>(); });
}

int64_t count_values(const NamedTensors& tensors) {
  int64_t count = 0;
  for (const at::Tensor& tensor : tensors.tensors) count += tensor.numel();
  return count;
}

std::string content_hash(const NamedTensors& tensors) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (size_t i = 0; i < tensors.names.size(); ++i) {
    const at::Tensor tensor = tensors.tensors[i].cpu().contiguous();
    const std::string title = tensors.names[i] + " " + describe(tensor) + "\n";
    XXH3_128bits_update(&state, title.data(), title.size());
    XXH3_128bits_update(&state, tensor.const_data_ptr(), tensor.nbytes());
  }
  return hex(XXH3_128bits_digest(&state));
}

std::string content_hash(std::string_view text) {
  return hex(XXH3_128bits(text.data(), text.size()));
}

}  // namespace untiled
