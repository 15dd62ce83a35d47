#include "app/pipeline/slide_classifier.h"

#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/layered/conv_rows.h"
#include "lib/layered/partition.h"
#include "lib/layered/running_statistics.h"
#include "lib/train/named_tensors.h"
#include "lib/train/safetensors.h"
#include "models/resnet.h"
#include "models/resnet_graph.h"

namespace untiled {
namespace {

constexpr int64_t kDefaultTile = 512;
/// Tensors of a tile's size that a worker holds at once: windows, gradients, and copies in the
/// order that convolutions want.
constexpr int64_t kTensorsOfTile = 8;
constexpr int64_t kRuntimeBytes = 96 << 20;
/// Gradients in float64, and weights in the order of the row kernels of both directions.
constexpr int64_t kParameterBytes = 16;
/// An exact sum has three digits of 8 bytes.
constexpr int64_t kSumBytes = 24;

void require_cpu(const Settings& settings) {
  if (settings.device == "auto" || settings.device == "cpu") return;
  throw ConfigError(fmt::format(
      "device: {}: classifiers of whole slides (model.kind resnet) run on the CPU; use cpu",
      settings.device));
}

void copy_named(const NamedTensors& from, NamedTensors& onto, const std::string& file,
                bool requires_all) {
  for (size_t i = 0; i < onto.names.size(); ++i) {
    const at::Tensor found = find_tensor(from, onto.names[i]);
    at::Tensor& target = onto.tensors[i];
    if (!found.defined()) {
      if (!requires_all) continue;
      throw DataError(
          fmt::format("model.init {}: tensor {} is missing; expected the names of "
                      "torchvision's ResNet of model.depth",
                      file, onto.names[i]));
    }
    if (found.sizes() != target.sizes()) {
      throw DataError(
          fmt::format("model.init {}: tensor {} has another shape than this network's; "
                      "see model.depth, model.width and data.labels",
                      file, onto.names[i]));
    }
    target = found.to(target.scalar_type()).contiguous();
  }
}

}  // namespace

SlideClassifier::SlideClassifier(const Settings& settings)
    : settings_(settings),
      graph_(resnet_graph(settings.model,
                          slide_logits(settings.train.loss, settings.data.labels.size()))),
      dtype_(settings.streaming.dtype == Precision::kFloat64 ? at::kDouble : at::kFloat),
      context_(std::make_shared<StreamingContext>(at::kCPU)) {
  require_cpu(settings);
}

int64_t SlideClassifier::tile() const { return settings_.streaming.tile.value_or(kDefaultTile); }

std::string SlideClassifier::kernels() const {
  const bool has_rows = settings_.kernels == KernelChoice::kAuto && conv_rows() != nullptr;
  return has_rows && dtype_ == at::kFloat ? "fused" : "libtorch";
}

Statistics SlideClassifier::statistics() const {
  return settings_.model.norm == NormKind::kBatch ? Statistics::kOfStep : Statistics::kRunning;
}

ClassifierWeights SlideClassifier::initial_weights() const {
  ClassifierWeights weights{initial_resnet_parameters(graph_, settings_.seed),
                            initial_running_statistics(graph_)};
  for (NamedTensors* tensors : {&weights.parameters, &weights.statistics}) {
    for (at::Tensor& t : tensors->tensors) {
      if (t.is_floating_point()) t = t.to(dtype_);
    }
  }
  const std::string file = settings_.model.init.string();
  if (file.empty()) return weights;
  const NamedTensors given = read_safetensors(file).tensors;
  copy_named(given, weights.parameters, file, /*requires_all=*/true);
  copy_named(given, weights.statistics, file, /*requires_all=*/false);
  return weights;
}

/// With what a convolution reads around it.
int64_t SlideClassifier::largest_tile_values(const std::vector<Extent>& slides) const {
  int64_t most = 0;
  for (const Extent& slide : slides) {
    const Partition partition(slide, whole(slide), lattice());
    const std::vector<Extent> extents = graph_.extents(slide);
    for (LayerId id = kFirstMadeLayer; id <= graph_.output(); ++id) {
      const Extent tile = partition.largest_tile(extents[index(id)], graph_.stride(id));
      most = std::max(most, (tile.rows + 2) * (tile.cols + 2) * graph_.layer(id).channels);
    }
  }
  return most;
}

/// Asks what is stored, in memory and in files, and adds what working on it takes.
ClassifierPlan SlideClassifier::estimate(const std::vector<Extent>& slides, LayeredPurpose purpose,
                                         int ranks, ClassifierPlan plan) const {
  const StoredBytes stored =
      LayeredExecutor(graph_, options(plan)).stored_bytes(slides, parts(slides, ranks), purpose);
  plan.stored_bytes = stored.in_memory;
  plan.spilled_bytes = stored.in_files;
  int64_t most_parameters = 0;
  for (LayerId id = kFirstMadeLayer; id <= graph_.output(); ++id) {
    most_parameters = std::max(
        most_parameters, graph_.layer(id).channels * graph_.input_channels(id) *
                             graph_.layer(id).geometry.kernel * graph_.layer(id).geometry.kernel);
  }
  const auto element = static_cast<int64_t>(c10::elementSize(dtype_));
  plan.working_bytes = kRuntimeBytes +
                       plan.workers * kTensorsOfTile * largest_tile_values(slides) * element +
                       kSumBytes * most_parameters + kParameterBytes * graph_.parameter_count();
  return plan;
}

/// Largest first; of equal ones the first of the network.
std::vector<LayerId> SlideClassifier::stored_layers() const {
  const Program program = make_program(graph_);
  std::vector<LayerId> layers;
  for (const Node& node : program.nodes) {
    const bool is_stored = program.keeping[static_cast<size_t>(node.layer)] != Keeping::kNever;
    if (is_stored) layers.push_back(node.layer);
  }
  const auto size = [&](LayerId id) {
    const auto stride = static_cast<double>(graph_.stride(id));
    return static_cast<double>(graph_.layer(id).channels) / (stride * stride);
  };
  std::stable_sort(layers.begin(), layers.end(),
                   [&](LayerId a, LayerId b) { return size(a) > size(b); });
  return layers;
}

/// The fastest first: a block's inside is computed once more sooner than anything goes to a file,
/// and that with few workers only after it goes with many.
std::vector<ClassifierPlan> SlideClassifier::choices() const {
  const int most_workers = settings_.threads > 0 ? settings_.threads : usable_cores();
  const StoreChoice store = settings_.streaming.store;
  std::vector<ClassifierPlan> found;
  for (const bool recomputes : {false, true}) {
    if (store == (recomputes ? StoreChoice::kAll : StoreChoice::kBlocks)) continue;
    for (int workers = most_workers; workers >= 1; --workers) {
      found.push_back({.workers = workers, .recomputes_blocks = recomputes});
    }
  }
  if (settings_.run.scratch.empty()) return found;
  const std::vector<LayerId> layers = stored_layers();
  for (int workers = most_workers; workers >= 1; --workers) {
    ClassifierPlan plan{.workers = workers, .recomputes_blocks = store != StoreChoice::kAll};
    for (const LayerId layer : layers) {
      plan.spilled.push_back(layer);
      found.push_back(plan);
    }
  }
  return found;
}

ClassifierPlan SlideClassifier::plan(const std::vector<Extent>& slides, LayeredPurpose purpose,
                                     int64_t fixed_bytes, int ranks) const {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const ClassifierPlan& choice : choices()) {
    const ClassifierPlan plan = estimate(slides, purpose, ranks, choice);
    const int64_t needed = plan.bytes() + fixed_bytes;
    if (needed <= settings_.memory_budget) return plan;
    least = std::min(least, needed);
  }
  int64_t pixels = 0;
  for (const Extent& slide : slides) pixels += slide.area();
  throw ConfigError(fmt::format(
      "memory_budget {} is too small for {} slide{} of {} pixels in all{}; the least that works is "
      "{}: raise it, {}take more ranks, or lower model.width, train.batch or the resolution "
      "(data.level, data.mpp)",
      format_bytes(settings_.memory_budget), slides.size(), slides.size() == 1 ? "" : "s", pixels,
      ranks == 1 ? "" : fmt::format(" over {} ranks", ranks), format_bytes(least),
      settings_.run.scratch.empty() ? "give a folder in run.scratch, " : ""));
}

size_t SlideClassifier::predicted_together(const std::vector<Extent>& slides, size_t first,
                                           int64_t fixed_bytes, int ranks) const {
  size_t count = std::min(slides.size() - first, static_cast<size_t>(ranks));
  for (; count > 1; --count) {
    const auto begin = slides.begin() + static_cast<std::ptrdiff_t>(first);
    const std::vector<Extent> some(begin, begin + static_cast<std::ptrdiff_t>(count));
    const ClassifierPlan least = estimate(some, LayeredPurpose::kPrediction, ranks, {});
    if (least.bytes() + fixed_bytes <= settings_.memory_budget) break;
  }
  return count;
}

LayeredOptions SlideClassifier::options(const ClassifierPlan& plan) const {
  return {.dtype = dtype_,
          .tile = tile(),
          .workers = plan.workers,
          .uses_row_kernels = settings_.kernels == KernelChoice::kAuto,
          .recomputes_blocks = plan.recomputes_blocks,
          .spilled = plan.spilled,
          .scratch = settings_.run.scratch,
          .context = context_};
}

LayeredExecutor SlideClassifier::executor(const ClassifierPlan& plan) const {
  context_->pages->limit(plan.stored_bytes);
  return {graph_, options(plan)};
}

std::vector<std::vector<double>> SlideClassifier::predict(
    const ClassifierPlan& plan, const ClassifierWeights& weights,
    const std::vector<const PixelSource*>& slides, const FeatureWork& features,
    Group& ranks) const {
  std::vector<Extent> extents;
  for (const PixelSource* pixels : slides) extents.push_back(pixels->extent());
  const SlideParts shares = parts(extents, ranks.size());
  std::vector<LabelledSlide> inputs;
  for (size_t i = 0; i < slides.size(); ++i) inputs.push_back({slides[i], 0, shares[i]});
  return executor(plan).predict(weights.parameters.tensors, to_statistics(weights.statistics),
                                inputs, features, ranks);
}

}  // namespace untiled
