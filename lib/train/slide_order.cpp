#include "lib/train/slide_order.h"

#include <numeric>
#include <utility>
#include <vector>

#include "lib/core/random.h"

namespace untiled {
namespace {

constexpr uint64_t kPurpose = 0x6f72646572;  // "order": apart from draws for other purposes

/// Fisher and Yates's shuffle.
std::vector<size_t> shuffled(uint64_t seed, size_t slides, uint64_t epoch) {
  std::vector<size_t> order(slides);
  std::iota(order.begin(), order.end(), size_t{0});
  Random random(seed, kPurpose, epoch);
  for (size_t left = slides; left > 1; --left) {
    std::swap(order[left - 1],
              order[static_cast<size_t>(random.below(static_cast<int64_t>(left)))]);
  }
  return order;
}

}  // namespace

size_t slide_at(uint64_t seed, size_t slides, int64_t position) {
  const auto place = static_cast<uint64_t>(position);
  return shuffled(seed, slides, place / slides)[place % slides];
}

}  // namespace untiled
