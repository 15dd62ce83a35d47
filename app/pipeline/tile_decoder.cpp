#include "app/pipeline/tile_decoder.h"

#include <fmt/format.h>

#include <utility>

#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"

namespace untiled {
namespace {

TileDecoder open_decoder(const Settings& settings, const DeviceChoice& device, JpegPlace place) {
  const int threads = settings.threads > 0 ? settings.threads : usable_cores();
  const int index = device.device.has_index() ? device.device.index() : 0;
  return {DeviceJpeg::open(place, index, threads),
          place == JpegPlace::kDevice ? "gpu" : "nvimgcodec-host"};
}

bool changes_pixels(const Settings& settings) {
  const AugmentSettings& augment = settings.augment;
  return settings.data.stain.method != StainMethod::kNone || augment.flip || augment.rotate ||
         augment.stain > 0 || augment.brightness > 0;
}

/// A device that can is taken unasked.
TileDecoder open_if_possible(const Settings& settings, const DeviceChoice& device) {
  try {
    return open_decoder(settings, device, JpegPlace::kDevice);
  } catch (const ConfigError& error) {
    warn(fmt::format("the host decodes for the device: {}", error.what()));
    return {};
  }
}

}  // namespace

TileDecoder choose_tile_decoder(const Settings& settings, const DeviceChoice& device,
                                CacheMode cache) {
  const bool is_cuda = device.device.is_cuda();
  switch (settings.data.decode) {
    case DecodeChoice::kHost:
      return {};
    case DecodeChoice::kNvimgcodecHost:
      return open_decoder(settings, device, JpegPlace::kHost);
    case DecodeChoice::kGpu:
      if (is_cuda) return open_decoder(settings, device, JpegPlace::kDevice);
      throw ConfigError(fmt::format(
          "data.decode gpu: tiles are decoded on a CUDA device, and the network runs on {}; set "
          "device: cuda, or data.decode: host",
          device.device.str()));
    case DecodeChoice::kAuto:
      break;
  }
  const bool decodes_each_step = cache == CacheMode::kNone && !changes_pixels(settings);
  const bool can = is_cuda && decodes_each_step && !find_nvimgcodec_library().empty();
  return can ? open_if_possible(settings, device) : TileDecoder{};
}

TileDecoding decoding_of(const TileDecoder& decoder, TileFinder find) {
  if (!decoder.jpeg) return {};
  return {std::move(find), decoder.jpeg, std::make_shared<std::atomic<int64_t>>(0)};
}

std::shared_ptr<const std::atomic<int64_t>> use_tile_decoder(
    const TileDecoder& decoder, const std::vector<std::vector<SlideInput>*>& slides) {
  auto count = std::make_shared<std::atomic<int64_t>>(0);
  if (!decoder.jpeg) return count;
  for (std::vector<SlideInput>* set : slides) {
    for (SlideInput& input : *set) {
      if (input.pixels != input.slide) continue;
      const auto find = [slide = input.slide](const Region& cell) {
        return slide->stored_tile(cell);
      };
      input.decoding = {find, decoder.jpeg, count};
    }
  }
  return count;
}

}  // namespace untiled
