#include "lib/layered/program.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/error.h"

namespace untiled {
namespace {

bool makes_tensor(LayerKind kind) {
  return kind == LayerKind::kConv || kind == LayerKind::kMaxPool || kind == LayerKind::kAdd;
}

[[noreturn]] void refuse(const Layer& layer, const char* why) {
  throw ConfigError(
      fmt::format("layer {}: {}; expected convolutions, max pooling, sums, norms and "
                  "ReLUs, then the mean over pixels and a linear layer",
                  layer.name, why));
}

/// Follows ReLU and norm back to the tensor that they read.
Reading trace(const Graph& graph, LayerId id) {
  Reading reading;
  if (graph.layer(id).kind == LayerKind::kRelu) {
    reading.relu = true;
    id = graph.layer(id).inputs.front();
  }
  if (graph.layer(id).kind == LayerKind::kBatchNorm) {
    reading.norm = id;
    id = graph.layer(id).inputs.front();
  }
  reading.value = id;
  const Layer& layer = graph.layer(id);
  if (!makes_tensor(layer.kind) && layer.kind != LayerKind::kPixels) {
    refuse(layer, "is read where a tensor is expected");
  }
  return reading;
}

Keeping keeping_of(const Graph& graph, const Node& node) {
  const bool reads_pixels = std::any_of(node.inputs.begin(), node.inputs.end(),
                                        [](const Reading& r) { return r.value == kPixelLayer; });
  if (reads_pixels) return Keeping::kNever;
  return graph.layer(node.layer).storable ? Keeping::kBlock : Keeping::kInside;
}

/// Records how a tensor is read, which must always be in the same way.
class ReadingGuard {
 public:
  ReadingGuard(const Graph& graph, Program& program)
      : graph_(graph), program_(program), seen_(graph.layers().size(), false) {}

  void read(const Reading& reading) {
    const auto i = static_cast<size_t>(reading.value);
    Reading& known = program_.reading_of[i];
    if (seen_[i] && (known.norm != reading.norm || known.relu != reading.relu)) {
      refuse(graph_.layer(reading.value), "is read in two ways");
    }
    seen_[i] = true;
    known = reading;
  }

 private:
  const Graph& graph_;
  Program& program_;
  std::vector<bool> seen_;
};

void add_head(const Graph& graph, Program& program) {
  const Layer& last = graph.layer(graph.output());
  if (last.kind != LayerKind::kLinear) refuse(last, "is the last one and not linear");
  program.linear = graph.output();
  program.mean = last.inputs.front();
  const Layer& mean = graph.layer(program.mean);
  if (mean.kind != LayerKind::kMean) refuse(mean, "is not the mean over all pixels");
  program.pooled = trace(graph, mean.inputs.front());
}

}  // namespace

const Node& Program::node_of(LayerId layer) const {
  const auto found = std::find_if(nodes.begin(), nodes.end(),
                                  [layer](const Node& node) { return node.layer == layer; });
  if (found == nodes.end()) throw InternalError("no node makes this layer");
  return *found;
}

Program make_program(const Graph& graph) {
  Program program;
  const size_t count = graph.layers().size();
  program.reading_of.resize(count);
  program.keeping.assign(count, Keeping::kNever);
  program.uses.resize(count);
  ReadingGuard guard(graph, program);
  for (LayerId id = kFirstMadeLayer; id <= graph.output(); ++id) {
    const Layer& layer = graph.layer(id);
    if (layer.kind == LayerKind::kBatchNorm) program.norms.push_back(id);
    if (!makes_tensor(layer.kind)) continue;
    Node node{.layer = id};
    for (const LayerId input : layer.inputs) {
      node.inputs.push_back(trace(graph, input));
      guard.read(node.inputs.back());
      auto& uses = program.uses[static_cast<size_t>(node.inputs.back().value)];
      uses.insert(uses.begin(), {program.nodes.size(), node.inputs.size() - 1});
    }
    program.keeping[index(id)] = keeping_of(graph, node);
    program.nodes.push_back(std::move(node));
  }
  add_head(graph, program);
  guard.read(program.pooled);
  return program;
}

}  // namespace untiled
