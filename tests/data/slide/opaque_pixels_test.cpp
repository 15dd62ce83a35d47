#include "data/slide/opaque_pixels.h"

#include <hwy/highway.h>
#include <hwy/targets.h>

#include <algorithm>
#include <string>
#include <vector>

#include "data/slide/samples.h"
#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

constexpr uint32_t kOpaque = 0xFF000000;
constexpr Rgb kBackground{250, 240, 230};

/// Opaque noise, and from `first` on each `every`-th pixel with the transparency of noise.
std::vector<uint32_t> pixels_of(size_t count, size_t first, size_t every) {
  std::vector<uint32_t> pixels(count);
  for (size_t i = 0; i < count; ++i) {
    const auto noise = static_cast<uint32_t>(mix64(i));
    const bool is_opaque = i < first || (i - first) % every != 0;
    pixels[i] = is_opaque ? noise | kOpaque : (noise % 3 == 0 ? 0 : noise & 0x7F7F7F7F);
  }
  return pixels;
}

/// One channel of a premultiplied pixel over the background, by its definition.
uint8_t expected_channel(uint32_t argb, size_t channel) {
  const int alpha = static_cast<int>(argb >> 24);
  const int value = static_cast<int>(argb >> (16 - 8 * channel)) & 0xFF;
  const int sum = value * 255 + kBackground[channel] * (255 - alpha);
  return static_cast<uint8_t>(std::min(255, (sum + 127) / 255));
}

bool is_right(const std::vector<uint32_t>& pixels) {
  const Region region{{0, 1}, {0, static_cast<int64_t>(pixels.size())}};
  const PixelBlock block = argb_to_rgb(pixels, region, kBackground);
  for (size_t i = 0; i < pixels.size(); ++i) {
    for (size_t c = 0; c < 3; ++c) {
      if (block.bytes[3 * i + c] != expected_channel(pixels[i], c)) return false;
    }
    const bool is_missing = !block.missing.empty() && block.missing[i] != 0;
    if (is_missing != (pixels[i] >> 24 == 0)) return false;
  }
  return true;
}

TEST_CASE("opaque and other pixels of OpenSlide become the same RGB, whatever the vectors") {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    const std::string name = hwy::TargetName(target);
    for (const size_t count : {1, 2, 15, 16, 31, 33, 63, 64, 65, 127, 128, 191, 700}) {
      for (const size_t first : {0, 1, 15, 63, 64, 100, 1000}) {
        for (const size_t every : {1, 2, 61, 97}) {
          if (is_right(pixels_of(count, first, every))) continue;
          hwy::SetSupportedTargetsForTest(0);
          FAIL(name << ": " << count << " pixels, from " << first << " every " << every);
        }
      }
    }
    hwy::SetSupportedTargetsForTest(0);
  }
}

TEST_CASE("opaque pixels are written up to the first other one, and nothing beyond") {
  const std::vector<uint32_t> pixels = pixels_of(300, 200, 1);
  std::vector<uint8_t> rgb(3 * pixels.size(), 0xA5);
  const size_t written = write_opaque(pixels, rgb.data());
  CHECK(written <= 200);
  CHECK(written > 200 - 64);
  for (size_t i = 0; i < written; ++i) REQUIRE(rgb[3 * i] == (pixels[i] >> 16 & 0xFF));
  for (size_t i = 3 * written; i < rgb.size(); ++i) REQUIRE(rgb[i] == 0xA5);
}

}  // namespace
}  // namespace untiled
