// Small slides, a ResNet for them, and its step streamed and over whole images.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/layered/layered_run.h"
#include "models/resnet_module.h"

namespace untiled::testing {

/// Bytes with a constant background, so that max pooling meets ties.
class Picture : public PixelSource {
 public:
  Picture(const Extent& extent, uint64_t seed);
  Extent extent() const override { return block_.region.extent(); }
  int channels() const override { return 3; }
  PixelBlock read(const Region& region) const override;
  /// [1, 3, rows, cols] of 0 to 1.
  at::Tensor tensor(at::ScalarType dtype) const;

 private:
  PixelBlock block_;
};

/// What each rank has of a slide.
using MakeParts = std::function<std::vector<Region>(const Extent&)>;

struct SlidesCase {
  std::vector<Extent> sizes = {{75, 66}};
  ModelSettings model;
  int64_t logits = 1;
  int64_t tile = 32;
  int workers = 2;
  bool uses_row_kernels = true;
  bool recomputes_blocks = false;
  std::vector<LayerId> spilled;   ///< Tensors in files.
  std::filesystem::path scratch;  ///< Folder of these files.
  at::ScalarType dtype = at::kDouble;
  std::vector<double> class_weights;
  uint64_t seed = 1;
  int ranks = 1;        ///< As threads.
  MakeParts partition;  ///< None: rows.
};

/// Ranks in a grid, row by row, between cuts that are parts of the sides, rounded down.
MakeParts rank_grid(const std::vector<double>& rows, const std::vector<double>& cols);
/// So many ranks below each other and side by side, cut between cells.
MakeParts rank_cells_grid(int rows, int cols, const TileLattice& lattice);

/// A ResNet-10 of a few channels.
ModelSettings small_resnet(NormKind norm = NormKind::kBatch, int depth = 10, int width = 4);

/// Pictures, parameters and running statistics that a case stands for.
struct SlidesSetup {
  explicit SlidesSetup(const SlidesCase& c);

  std::vector<int64_t> labels() const;
  std::vector<LabelledSlide> slides(const SlidesCase& c) const;
  WholeSlidesStep whole(const SlidesCase& c) const;

  Graph graph;
  std::vector<std::unique_ptr<Picture>> pictures;
  NamedTensors parameters;
  NamedTensors statistics;  ///< See initial_running_statistics; not 0 and 1.
  std::vector<NormStatistics> running;
};

/// Makes the run that a test wants to look at.
using MakeRun = std::function<std::unique_ptr<LayeredRun>(
    const Graph&, const Program&, const LayeredOptions&, const LayeredRun::Inputs&)>;

/// The step over `c.ranks` ranks, of rank 0; `make` may be empty.
LayeredStep streamed(const SlidesCase& c, const SlidesSetup& setup, const MakeRun& make = {});

struct WorstError {
  double error = 0.0;
  std::string name;
};

/// The largest relative error of loss, logits, gradients and running statistics.
WorstError worst_error(const SlidesCase& c, const SlidesSetup& setup, const LayeredStep& step);

/// Of a case from beginning to end.
WorstError check_case(const SlidesCase& c, const MakeRun& make = {});

}  // namespace untiled::testing
