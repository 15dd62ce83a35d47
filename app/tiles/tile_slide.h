// One slide of `untiled tile`: filtered, tile by tile, into its output.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/batch/run_batch.h"
#include "app/config/settings.h"
#include "app/tiles/tile_format.h"
#include "lib/cuda/device_files.h"
#include "lib/cuda/device_jpeg.h"
#include "lib/filters/cuda/filter_device.h"
#include "lib/filters/filter_spec.h"
#include "lib/filters/stains.h"

namespace untiled {

struct TileJob {
  std::string filter;  ///< As the user wrote `chain`.
  std::vector<filters::FilterSpec> chain;
  TileOutput output;
  int level = 0;
  std::optional<double> mpp;     ///< Micrometres per pixel to resample to, instead of a level.
  std::optional<Region> region;  ///< Level-0 pixels of the frame; none: the manifest's, or all.
  filters::Stains target = filters::kReferenceStains;  ///< What macenko makes slides look like.
  std::filesystem::path save_stain;  ///< Where a slide's own stains go; empty: nowhere.
  int workers = 1;
  bool global = false;
  std::shared_ptr<const filters::FilterDevice> device;  ///< What filters; null: the CPU.
  std::shared_ptr<const DeviceFiles> files;   ///< Writes from the device; null: the host writes.
  std::shared_ptr<const DeviceFiles> inputs;  ///< Reads raw tiles to it; null: the host reads.
  std::shared_ptr<const DeviceJpeg> jpeg;     ///< Decodes JPEG tiles there; null: the host does.
};

/// "cpu" (null), "cuda", "cuda:N", or "auto": CUDA where a driver has a device that can be used,
/// with a warning where one cannot. Throws ConfigError that says what is missing and what to do.
std::shared_ptr<const filters::FilterDevice> open_filter_device(const std::string& name);

/// "auto" and "host" (null), "gpu": nvImageCodec on that device, or "nvimgcodec-host": its decoder
/// for the CPU. Throws ConfigError that says what is missing and what to do.
std::shared_ptr<const DeviceJpeg> open_device_jpeg(const std::string& decode, const Gpu& device,
                                                   int threads);

/// Throws DataError, ConfigError where the memory budget is too small or the device fails,
/// Interrupted.
SlideResult tile_slide(const TileJob& job, const Settings& settings, SlideTask task);

}  // namespace untiled
