#include "lib/ranks/nccl/link_choice.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// What all ranks know of each: two words of its device's number, and what it lacks.
constexpr size_t kWords = 3;

enum Lack : int64_t { kNothing, kDevice, kLibrary };

Lack lack_of(const Gpu* gpu, const std::string& library) {
  if (gpu == nullptr) return kDevice;
  try {
    open_nccl(library);
  } catch (const ConfigError&) {
    return kLibrary;
  }
  return kNothing;
}

/// Of all ranks, one after the other.
std::vector<int64_t> words_of_all(Group& ranks, const Gpu* gpu, const std::string& library) {
  std::vector<int64_t> words(kWords * static_cast<size_t>(ranks.size()), 0);
  int64_t* mine = words.data() + kWords * static_cast<size_t>(ranks.rank());
  const auto uuid = gpu == nullptr ? std::array<int64_t, 2>{}
                                   : std::bit_cast<std::array<int64_t, 2>>(gpu->uuid());
  mine[0] = uuid[0];
  mine[1] = uuid[1];
  mine[2] = lack_of(gpu, library);
  ranks.sum(words);
  return words;
}

/// Why NCCL cannot be used; nothing where it can.
std::optional<std::string> obstacle_in(const std::vector<int64_t>& words) {
  std::map<std::pair<int64_t, int64_t>, size_t> first_with;
  for (size_t rank = 0; rank * kWords < words.size(); ++rank) {
    const int64_t* its = words.data() + rank * kWords;
    if (its[2] == kDevice) return fmt::format("rank {} computes on no CUDA device", rank);
    const auto [first, is_new] = first_with.try_emplace({its[0], its[1]}, rank);
    if (!is_new) return fmt::format("ranks {} and {} share a device", first->second, rank);
    if (its[2] == kLibrary) return fmt::format("rank {} finds no NCCL 2.14 or newer", rank);
  }
  return std::nullopt;
}

}  // namespace

LinkChoice choose_link(Group& ranks, std::shared_ptr<const Gpu> gpu, const std::string& library) {
  const auto obstacle = obstacle_in(words_of_all(ranks, gpu.get(), library));
  if (obstacle) return {nullptr, "host: " + *obstacle};
  auto link = std::make_unique<NcclLink>(ranks, std::move(gpu), library);
  std::string name = link->name();
  return {std::move(link), std::move(name)};
}

}  // namespace untiled
