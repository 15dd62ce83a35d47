// One pass of an executor over some slides: what is stored, and the tasks of its schedule.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "lib/layered/layered_executor.h"
#include "lib/layered/partition.h"
#include "lib/layered/pixel_rows.h"
#include "lib/layered/tensor_field.h"
#include "lib/layered/tensors.h"
#include "lib/layered/tile_conv.h"
#include "lib/ranks/exact_sum.h"

namespace untiled {

/// A step or a prediction, once. One thread; its tasks use those of the context. What is virtual is
/// so for tests, which put known mistakes in its place.
class LayeredRun {
 public:
  struct Inputs {
    const std::vector<at::Tensor>& parameters;
    const std::vector<NormStatistics>& running;
    Statistics statistics;
    const std::vector<LabelledSlide>& slides;
    const SlideLoss* loss;  ///< Null: a prediction.
    Group& ranks;
  };

  LayeredRun(const Graph& graph, const Program& program, const LayeredOptions& options,
             const Inputs& inputs, FeatureWork features);
  virtual ~LayeredRun() = default;
  LayeredRun(const LayeredRun&) = delete;
  LayeredRun& operator=(const LayeredRun&) = delete;

  void play(const std::vector<LayeredTask>& schedule);
  LayeredStep result() &&;

 protected:
  /// By layer; null where nothing is stored.
  using Fields = std::vector<std::unique_ptr<TensorField>>;

  struct Slide {
    LabelledSlide input;
    Partition partition;
    std::vector<Extent> extents;  ///< By layer.
    Fields values;
    Fields gradients;
    /// Of max pooling, which input each output is, for what is not stored may differ in its last
    /// bit from one tile to the next when it is computed again: then two tiles could disagree.
    Fields choices;
    std::vector<double> pooled_gradient;  ///< Of each pixel of the last tensor, by channel.
  };

  const Graph& graph() const { return graph_; }
  const LayeredOptions& options() const { return options_; }
  Group& ranks() const { return inputs_.ranks; }
  const Slide& slide(size_t i) const { return slides_[i]; }

  // Functions of what is stored around a region. Any worker.

  /// `window` of what is read, with `beyond` where it lies outside of the slide: after norm and
  /// ReLU, not before.
  virtual at::Tensor read_window(size_t slide, const Reading& reading, const Region& window,
                                 double beyond) const;
  /// The gradient of a tensor's own values: back through its norm.
  virtual at::Tensor output_gradient(size_t slide, LayerId layer, const Region& region) const;
  /// The same, with zeros where `window` lies outside of the slide.
  virtual at::Tensor gradient_window(size_t slide, LayerId layer, const Region& window) const;
  /// What one who reads a tensor adds to the gradient of a region of it: `onto`, of its shape, or a
  /// tensor of its own.
  virtual at::Tensor input_gradient(size_t slide, const Use& use, const Region& region,
                                    const at::Tensor& onto) const;
  /// The sums of all ranks over their tiles.
  virtual std::vector<double> total(ExactSum& sums) const;
  virtual int64_t count_pixels(LayerId layer) const;
  /// What of a stored tensor one rank sends another, for it lies in the other's margin.
  virtual Region given(size_t slide, LayerId layer, int from, int to) const;
  at::Tensor value(size_t slide, LayerId layer, const Region& region) const;
  const NormValues* norm_of(const Reading& reading) const;

 private:
  struct Tile {
    size_t slide;
    Region region;
  };

  void make_convs();
  void play(const LayeredTask& task);
  void make_values(LayerId layer, bool with_moments);
  void write_values(const Node& node, const Tile& tile);
  void make_moments(LayerId layer);
  void finish_moments(LayerId layer, const std::vector<TileMoments>& tiles);
  void set_norm(LayerId norm);
  bool needs_moments(LayerId layer) const;
  void make_head();
  void apply_linear(const std::vector<std::vector<double>>& pooled);
  void linear_backward(const std::vector<std::vector<double>>& pooled, const SlideLossValue& value);
  void make_gradient(LayerId layer);
  void finish_norm_gradient(LayerId layer, LayerId norm, ExactSum& sums);
  void make_weight_gradient(LayerId layer);

  at::Tensor read(size_t slide, const Reading& reading, const Region& region) const;
  /// Perhaps in `onto`, of the result's shape.
  at::Tensor compute(size_t slide, const Node& node, const Region& out,
                     const at::Tensor& onto) const;
  PooledTile pool(size_t slide, const Node& node, const Region& out) const;
  bool keeps_choices(LayerId layer) const;
  at::Tensor read_gradient(size_t slide, LayerId layer, const Region& region) const;
  at::Tensor pull_gradient(size_t slide, LayerId layer, const Region& region,
                           const at::Tensor& onto, NormGradientSums* sums) const;
  at::Tensor conv_region_gradient(size_t slide, const Node& node, const Region& region,
                                  const at::Tensor& onto) const;
  at::Tensor pool_input_gradient(size_t slide, const Node& node, const Region& region,
                                 const at::Tensor& onto) const;
  at::Tensor pooled_gradient(size_t slide, const at::Tensor& onto) const;

  std::unique_ptr<TensorField> make_field(const Slide& slide, LayerId layer,
                                          at::ScalarType dtype) const;
  void exchange(LayerId layer, Fields Slide::*fields);
  Region own(const Slide& slide, LayerId layer, int rank) const;
  Region held(const Slide& slide, LayerId layer, int rank) const;
  std::vector<Tile> tiles_of(LayerId layer) const;
  void for_each_tile(const std::vector<Tile>& tiles,
                     const std::function<void(size_t, const Tile&)>& work) const;
  at::Tensor parameter(LayerId layer, bool bias) const;
  bool is_stored(LayerId layer) const;

  const Graph& graph_;
  const Program& program_;
  const LayeredOptions& options_;
  Inputs inputs_;
  FeatureWork features_;
  std::vector<int64_t> strides_;  ///< By layer.
  std::vector<Slide> slides_;
  std::vector<at::Tensor> parameters_;  ///< In the computation's type, channels last.
  std::map<LayerId, TileConv> convs_;
  std::map<LayerId, NormValues> norms_;             ///< Once their statistics are known.
  std::map<LayerId, NormGradientSums> norm_means_;  ///< Sums over all pixels, divided by those.
  std::map<LayerId, NormStatistics> statistics_;
  LayeredStep step_;
};

}  // namespace untiled
