// One slide on its way through the network: plays a schedule with tensors.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/plan/schedule.h"
#include "lib/plan/schedule_builder.h"
#include "lib/run/active_tiles.h"
#include "lib/run/player.h"
#include "lib/run/window_pieces.h"
#include "lib/streaming/executor_options.h"
#include "lib/streaming/kernel.h"
#include "lib/streaming/part_clock.h"
#include "lib/streaming/pixels/pixel_window.h"
#include "lib/streaming/stores/layer_store.h"
#include "lib/streaming/tensor_sum.h"

namespace untiled {

/// What a segment's kernel is given for a tile.
struct LoadedTile {
  size_t number = 0;  ///< Among the segment's tiles.
  Tile tile;
  TileRegions regions;
  LayerTensors crops;
  Bytes missing;  ///< Of the pixels that the tile computes; of the last segment only.
};

/// What is done with a loaded tile of the last segment; returns what is to be called in the order
/// of the tiles.
using LastWork = std::function<std::function<void()>(LoadedTile)>;

/// Of each rank that a slide is spread over, the pixels whose tiles are its own; `wanted`: the
/// tiles of the last segment that count.
std::vector<Region> rank_cells_of(const Graph& graph, const Plan& plan,
                                  const ExecutorOptions& options, const Extent& pixels,
                                  const std::vector<bool>& wanted);

/// Adds up the sums of all ranks that `options` names. A collective call of theirs.
void reduce_over_ranks(TensorSum& sum, const ExecutorOptions& options);

/// Stores, windows and sums of one slide. Used once.
class SlideRun : public TileBody {
 public:
  /// Keeps references. `parameters` are the network's, anywhere.
  SlideRun(const Graph& graph, const Plan& plan, const SegmentKernel& kernel,
           const ExecutorOptions& options, const std::vector<at::Tensor>& parameters,
           const PixelSource& image, Purpose purpose);

  const Segment& last_segment() const { return plan_.segments.back().segment; }
  /// A tile of the last segment for the kernel, which takes its crops; `tile` outlives it.
  TileRequest last_request(LoadedTile& tile) const { return request(last_segment(), tile); }
  const std::vector<Tile>& last_tiles() const { return tiles_.back(); }

  /// Chooses the tiles of the last segment that are wanted and all that they need; of several ranks
  /// this one's share of them. Before `play`.
  void want(const std::vector<bool>& wanted);
  /// Plays the schedule. `work`: what the tasks of the last segment do, by their kind.
  void play(const std::map<TaskKind, LastWork>& work);

  /// Takes what a tile of the last segment gave; in the order of the tiles.
  void add_last(const LoadedTile& tile, const TileGradients& gradients);
  /// Whether sums of a tile of the last segment count here, and on no other rank.
  bool counts(const LoadedTile& tile) const { return active_.counted.back()[tile.number]; }
  /// float64 on the CPU, by parameter: of all segments and ranks.
  std::vector<at::Tensor> parameter_gradients();

  /// Of a thread's share, by the names of tasks.
  std::map<std::string, double> seconds() const;
  /// Pixels that were read over those that any tile needs.
  double reads_per_pixel() const;

 private:
  std::function<void()> compute(TaskId id, size_t tile) override;
  void release(StoreId id, int64_t row, bool finished) override;

  std::vector<TaskTiles> tiles_to_run();
  WindowPieces pieces_of(const std::vector<TaskInput>& readers, const std::vector<Band>& bands);
  int64_t piece_cols(const std::vector<Band>& bands) const;
  LoadedTile load(const Task& task, size_t tile);
  TileRequest request(const Segment& segment, LoadedTile& tile) const {
    return {segment, tile.regions, extents_, parameters_, std::move(tile.crops)};
  }
  std::function<void()> forward(const Task& task, size_t tile);
  std::function<void()> backward(const Task& task, size_t tile);
  void add_gradients(const Task& task, const LoadedTile& tile, const TileGradients& gradients);
  void report(const Task& task, const Tile& tile) const;

  LayerStore& store(StoreId id);
  std::unique_ptr<LayerStore> make_store(const Store& store) const;
  PixelWindow& window(StoreId id);

  const Graph& graph_;
  const Plan& plan_;
  const SegmentKernel& kernel_;
  const ExecutorOptions& options_;
  StreamingContext& context_;
  const PixelSource& image_;
  std::vector<at::Tensor> parameters_;
  std::vector<Extent> extents_;
  PixelAccess access_;
  Schedule schedule_;
  std::vector<std::vector<Tile>> tiles_;  ///< By segment.
  ActiveTiles active_;
  std::map<TaskKind, LastWork> work_;
  std::vector<std::vector<Region>> pieces_;  ///< By task; of those that read.
  int64_t needed_pixels_ = 0;
  std::atomic<int64_t> read_pixels_ = 0;
  Purpose purpose_;
  std::vector<TensorSum> parameter_sums_;  ///< By segment.
  std::mutex mutex_;                       ///< Of the making and dropping of what follows.
  std::vector<std::unique_ptr<LayerStore>> stores_;
  std::vector<std::unique_ptr<PixelWindow>> windows_;
  PartClock clock_;
};

}  // namespace untiled
