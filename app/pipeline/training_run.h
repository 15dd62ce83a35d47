// A run of `train`: slides, network and loss put together for the training loop.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/pipeline/engine.h"
#include "app/pipeline/evaluation.h"
#include "app/pipeline/rank_devices.h"
#include "app/pipeline/slide_set.h"
#include "app/pipeline/tile_decoder.h"
#include "lib/device/memory_meter.h"
#include "lib/train/run_folder.h"
#include "lib/train/trainer.h"

namespace untiled {

/// One thread; of each rank.
class TrainingRun {
 public:
  /// Opens every slide and plans every step. All ranks of `ranks` make one alike. Keeps a
  /// reference. Throws ConfigError, DataError; ConfigError too where ranks have other slides or
  /// settings.
  TrainingRun(const Settings& settings, Group& ranks);

  /// Makes the labels and trains; rank 0. Throws what run_training throws.
  Summary run(const RunFolder& folder);
  /// The same of the other ranks: does its share of what rank 0 does, until that ends.
  void follow();

 private:
  const std::vector<SlideInput>& evaluated() const;
  void use(const SlideInput& input);
  /// Planned when it is asked for first: that takes longer than many a small slide's passes.
  const PlannedStep& planned_step(const PixelSource& pixels);
  void make_team();
  void begin_sums();
  /// The ranks that share a slide with this one.
  Group& sharing() { return team_ ? *team_ : ranks_; }
  SlideGradients gradients(const NamedTensors& parameters, int64_t step, size_t slide);
  std::vector<SlideGradients> step_gradients(const NamedTensors& parameters, int64_t step,
                                             const std::vector<size_t>& slides);
  SlideScore evaluate(const NamedTensors& parameters, size_t slide,
                      const std::filesystem::path& folder);
  Picture thumbnail_of(size_t slide);
  TrainCallbacks callbacks(const RunFolder& folder);
  TrainOptions options() const;
  CheckpointInfo checkpoint_info() const;
  Provenance provenance() const;
  std::vector<std::string> timing_parts() const;

  Settings settings_;
  Group& ranks_;
  std::unique_ptr<Group> team_;  ///< Of several teams, each with slides of its own, this rank's.
  int teams_ = 1;
  std::vector<SlideGradients> begun_;  ///< Of the step, not asked for yet, the next one last.
  Engine engine_;                      ///< Before the meter: it chooses the device.
  MemoryMeter meter_;
  std::unique_ptr<PixelLoss> loss_;
  SlideSets slides_;
  RunPlan plan_;
  TileDecoder decoder_;
  std::shared_ptr<const std::atomic<int64_t>> decoded_tiles_;
  LinkChoice sums_;  ///< Of the ranks that share a slide. After the team.
  std::map<ShapeKey, PlannedStep> steps_;
  std::map<size_t, Picture> thumbnails_;  ///< By evaluated slide; at most kKeptThumbnails.
  const SlideInput* open_ = nullptr;
};

}  // namespace untiled
