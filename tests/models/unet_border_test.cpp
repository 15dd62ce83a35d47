#include "models/unet_border.h"

#include <vector>

#include "tests/catch.h"

namespace untiled {
namespace {

/// By brute force: rows of stride * n that no row of n writes, which all lie at the end.
int64_t unwritten_rows(int64_t kernel, int64_t stride) {
  constexpr int64_t kRows = 5;
  std::vector<bool> written(static_cast<size_t>(kRows * stride), false);
  for (int64_t j = 0; j < kRows; ++j) {
    for (int64_t k = 0; k < kernel; ++k) {
      const int64_t row = stride * j - (kernel - 1) / 2 + k;
      if (row >= 0 && row < kRows * stride) written[static_cast<size_t>(row)] = true;
    }
  }
  int64_t count = 0;
  while (!written[static_cast<size_t>(kRows * stride - 1 - count)]) ++count;
  return count;
}

}  // namespace

TEST_CASE(
    "the rows at the border that nothing from below reaches are those that brute force finds") {
  for (int stride = 2; stride <= 8; ++stride) {
    for (int kernel = 1; kernel <= 17; kernel += 2) {
      ModelSettings settings;
      settings.stride = stride;
      settings.up_kernel = kernel;
      CAPTURE(stride, kernel);
      CHECK(unreached_rows(settings) == unwritten_rows(kernel, stride));
      CHECK(find_unreached_border(settings).has_value() == (kernel < 2 * stride - 1));
    }
  }
}

TEST_CASE("what a border lacks is said with the kernel that reaches it") {
  const auto said = find_unreached_border({});
  REQUIRE(said);
  CHECK(said->find("last 1 of every 4 rows") != std::string::npos);
  CHECK(said->find("model.up_kernel 7 reaches all") != std::string::npos);
}

}  // namespace untiled
