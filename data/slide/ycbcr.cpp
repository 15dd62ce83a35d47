#include "data/slide/ycbcr.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace untiled {
namespace {

uint8_t clamped(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

class Tables {
 public:
  Tables() {
    for (size_t i = 0; i < 256; ++i) {
      const double chroma = static_cast<double>(i) - 128;
      red_from_cr_[i] = static_cast<int>(std::lround(1.402 * chroma));
      green_from_cb_[i] = static_cast<int>(std::lround(kOne * (0.5 - 0.34414 * chroma)));
      green_from_cr_[i] = static_cast<int>(std::lround(kOne * -0.71414 * chroma));
      blue_from_cb_[i] = static_cast<int>(std::lround(1.772 * chroma));
    }
  }

  void convert(uint8_t* pixel) const {
    const int luma = pixel[0];
    const uint8_t cb = pixel[1];
    const uint8_t cr = pixel[2];
    pixel[0] = clamped(luma + red_from_cr_[cr]);
    pixel[1] = clamped(luma + ((green_from_cb_[cb] + green_from_cr_[cr]) >> 16));
    pixel[2] = clamped(luma + blue_from_cb_[cb]);
  }

 private:
  static constexpr double kOne = 1 << 16;  ///< Of green's fixed point.

  std::array<int, 256> red_from_cr_{};
  std::array<int, 256> green_from_cb_{};
  std::array<int, 256> green_from_cr_{};
  std::array<int, 256> blue_from_cb_{};
};

}  // namespace

void ycbcr_to_rgb(uint8_t* pixels, int64_t count, int step) {
  static const Tables tables;
  for (int64_t i = 0; i < count; ++i) tables.convert(pixels + i * step);
}

}  // namespace untiled
