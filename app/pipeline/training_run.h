// A run of `train`: slides, network and loss put together for the training loop.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/pipeline/engine.h"
#include "app/pipeline/evaluation.h"
#include "app/pipeline/slide_set.h"
#include "lib/device/memory_meter.h"
#include "lib/train/run_folder.h"
#include "lib/train/trainer.h"

namespace untiled {

/// One thread.
class TrainingRun {
 public:
  /// Opens every slide and plans every step. Throws ConfigError, DataError.
  explicit TrainingRun(const Settings& settings);

  /// Makes the labels and trains. Throws what run_training throws.
  Summary run(const RunFolder& folder);

 private:
  const std::vector<SlideInput>& evaluated() const;
  void use(const SlideInput& input);
  /// Planned when it is asked for first: that takes longer than many a small slide's passes.
  const PlannedStep& planned_step(const PixelSource& pixels);
  SlideGradients gradients(const NamedTensors& parameters, int64_t step, size_t slide);
  SlideScore evaluate(const NamedTensors& parameters, size_t slide,
                      const std::filesystem::path& folder);
  Picture thumbnail_of(size_t slide);
  TrainOptions options() const;
  CheckpointInfo checkpoint_info() const;
  Provenance provenance() const;
  std::vector<std::string> timing_parts() const;

  Settings settings_;
  Engine engine_;  ///< Before the meter: it chooses the device.
  MemoryMeter meter_;
  std::unique_ptr<PixelLoss> loss_;
  SlideSets slides_;
  RunPlan plan_;
  std::map<ShapeKey, PlannedStep> steps_;
  std::map<size_t, Picture> thumbnails_;  ///< By evaluated slide; at most kKeptThumbnails.
  const SlideInput* open_ = nullptr;
};

}  // namespace untiled
