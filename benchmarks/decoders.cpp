// JPEG tiles, as slides have them.
#include <benchmark/benchmark.h>

#include "data/slide/jpeg.h"
#include "lib/core/random.h"
#include "lib/output/jpeg_encoder.h"

namespace untiled {
namespace {

constexpr int64_t kRegion = 1024;

/// Smooth stain with noise, at a quality as scanners have it.
Bytes encoded_tile(const Extent& extent) {
  Random random(1, 0);
  Bytes rgb;
  for (int64_t i = 0; i < 3 * extent.area(); ++i) {
    const int64_t stain = 150 + (i / 3 % extent.cols) * 60 / extent.cols;
    rgb.push_back(static_cast<uint8_t>(stain + static_cast<int64_t>(random.below(20))));
  }
  constexpr int kQuality = 80;
  return encode_jpeg(rgb, extent, kQuality);
}

void decode_to_its_place(benchmark::State& state) {
  const Extent extent = {state.range(0), state.range(0)};
  const Bytes stream = encoded_tile(extent);
  Bytes region(size_t{3} * kRegion * kRegion);
  const SampleTarget target{region.data(), extent, 3, size_t{3} * kRegion};
  while (state.KeepRunning()) {
    decode_jpeg_into({}, {stream.data(), stream.size()}, JpegColor::kYCbCr, target, extent.area());
    benchmark::DoNotOptimize(region.data());
  }
  state.SetItemsProcessed(state.iterations() * extent.area());
}
BENCHMARK(decode_to_its_place)->Arg(256)->Arg(512)->Unit(benchmark::kMicrosecond);

void decode_and_copy(benchmark::State& state) {
  const Extent extent = {state.range(0), state.range(0)};
  const Bytes stream = encoded_tile(extent);
  PixelBlock region{{{0, kRegion}, {0, kRegion}}, 3, Bytes(size_t{3} * kRegion * kRegion), {}};
  while (state.KeepRunning()) {
    JpegImage image = decode_jpeg({}, {stream.data(), stream.size()}, JpegColor::kYCbCr, 1 << 20);
    copy_overlap({whole(extent), 3, std::move(image.pixels), {}}, region);
    benchmark::DoNotOptimize(region.bytes.data());
  }
  state.SetItemsProcessed(state.iterations() * extent.area());
}
BENCHMARK(decode_and_copy)->Arg(256)->Arg(512)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace untiled
