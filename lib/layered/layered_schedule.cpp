#include "lib/layered/layered_schedule.h"

#include <algorithm>

namespace untiled {
namespace {

class Scheduler {
 public:
  Scheduler(const Program& program, LayeredPurpose purpose, bool recomputes_blocks)
      : program_(program), purpose_(purpose), recomputes_(recomputes_blocks) {
    held_.assign(program.keeping.size(), false);
    has_gradient_.assign(program.keeping.size(), false);
  }

  std::vector<LayeredTask> make() {
    for (const Node& node : program_.nodes) {
      forward(node, Act::kValues);
      forget_read_values(node);
    }
    add(Act::kHead, program_.linear);
    if (purpose_ == LayeredPurpose::kTraining) {
      for (size_t i = program_.nodes.size(); i-- > 0;) back(i);
    } else {
      forget_values(program_.pooled.value);
    }
    return std::move(tasks_);
  }

 private:
  void add(Act act, LayerId layer) { tasks_.push_back({act, layer}); }
  Keeping keeping(LayerId layer) const { return program_.keeping[index(layer)]; }

  void forward(const Node& node, Act act) {
    if (keeping(node.layer) == Keeping::kNever) {
      const bool has_norm = program_.reading_of[index(node.layer)].norm != kNoLayer;
      if (has_norm) add(Act::kMoments, node.layer);
      return;
    }
    add(act, node.layer);
    held_[index(node.layer)] = true;
  }

  void forget_values(LayerId layer) {
    if (!held_[index(layer)]) return;
    add(Act::kForgetValues, layer);
    held_[index(layer)] = false;
  }

  /// After `node`: what nobody reads any more on the way forward.
  void forget_read_values(const Node& node) {
    const bool predicts = purpose_ == LayeredPurpose::kPrediction;
    if (!predicts && !recomputes_) return;
    for (const Reading& r : node.inputs) {
      if (!predicts && keeping(r.value) != Keeping::kInside) continue;
      const Use& last = program_.uses[index(r.value)].front();
      if (program_.nodes[last.node].layer == node.layer) forget_values(r.value);
    }
  }

  /// The tensors of a block, as far as node `last`.
  void recompute_inside(size_t last) {
    size_t first = last;
    while (first > 0 && keeping(program_.nodes[first - 1].layer) == Keeping::kInside) --first;
    for (size_t i = first; i <= last; ++i) {
      const LayerId layer = program_.nodes[i].layer;
      if (!held_[index(layer)]) forward(program_.nodes[i], Act::kValuesAgain);
    }
  }

  void back(size_t number) {
    const Node& node = program_.nodes[number];
    if (keeping(node.layer) == Keeping::kInside) recompute_inside(number);
    add(Act::kGradient, node.layer);
    has_gradient_[index(node.layer)] = keeping(node.layer) != Keeping::kNever;
    // Only the gradient of a norm asks for values later on.
    if (program_.reading_of[index(node.layer)].norm == kNoLayer) forget_values(node.layer);
    add(Act::kWeights, node.layer);
    forget_used(node.layer);
  }

  /// Once the gradients of a node's inputs are made, nobody needs its own any more.
  void forget_used(LayerId done) {
    for (const Node& node : program_.nodes) {
      const bool is_used = std::all_of(node.inputs.begin(), node.inputs.end(),
                                       [&](const Reading& r) { return r.value >= done; });
      if (!is_used || !has_gradient_[index(node.layer)]) continue;
      forget_values(node.layer);
      add(Act::kForgetGradient, node.layer);
      has_gradient_[index(node.layer)] = false;
    }
  }

  const Program& program_;
  LayeredPurpose purpose_;
  bool recomputes_;
  std::vector<bool> held_;          ///< Values, by layer.
  std::vector<bool> has_gradient_;  ///< By layer.
  std::vector<LayeredTask> tasks_;
};

int64_t values_of(const Graph& graph, const std::vector<std::vector<Extent>>& slides,
                  LayerId layer) {
  int64_t values = 0;
  for (const std::vector<Extent>& extents : slides) {
    values += extents[index(layer)].area() * graph.layer(layer).channels;
  }
  return values;
}

/// For each value of the task's tensor; negative where it is forgotten.
int64_t added_bytes(const Graph& graph, const Program& program, const LayeredTask& task,
                    int64_t element_bytes) {
  const bool is_stored = program.keeping[static_cast<size_t>(task.layer)] != Keeping::kNever;
  const int64_t choice = graph.layer(task.layer).kind == LayerKind::kMaxPool ? 1 : 0;
  switch (task.act) {
    case Act::kValues:
    case Act::kValuesAgain:
      return element_bytes + choice;
    case Act::kGradient:
      return is_stored ? element_bytes : 0;
    case Act::kForgetValues:
      return -element_bytes;
    case Act::kForgetGradient:
      return -element_bytes - choice;
    case Act::kMoments:
    case Act::kHead:
    case Act::kWeights:
      break;
  }
  return 0;
}

}  // namespace

std::vector<LayeredTask> make_layered_schedule(const Program& program, LayeredPurpose purpose,
                                               bool recomputes_blocks) {
  return Scheduler(program, purpose, recomputes_blocks).make();
}

StoredBytes peak_stored_bytes(const Graph& graph, const std::vector<LayeredTask>& schedule,
                              const std::vector<std::vector<Extent>>& slides, int64_t element_bytes,
                              const Program& program, const std::vector<LayerId>& spilled) {
  StoredBytes held;
  StoredBytes peak;
  for (const LayeredTask& t : schedule) {
    const bool is_spilled = std::find(spilled.begin(), spilled.end(), t.layer) != spilled.end();
    const int64_t values = values_of(graph, slides, t.layer);
    (is_spilled ? held.in_files : held.in_memory) +=
        values * added_bytes(graph, program, t, element_bytes);
    peak = {std::max(peak.in_memory, held.in_memory), std::max(peak.in_files, held.in_files)};
  }
  return peak;
}

}  // namespace untiled
