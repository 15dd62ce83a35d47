#include <algorithm>

#include "lib/layered/layered_schedule.h"
#include "models/resnet_graph.h"
#include "tests/catch.h"
#include "tests/layered/slides_fixture.h"

namespace untiled::testing {
namespace {

Graph network(int depth, int width) {
  return resnet_graph(small_resnet(NormKind::kBatch, depth, width), 2);
}

double peak_gigabytes(int depth, int width, bool recomputes_blocks) {
  const Graph graph = network(depth, width);
  const Program program = make_program(graph);
  const auto schedule =
      make_layered_schedule(program, LayeredPurpose::kTraining, recomputes_blocks);
  const StoredBytes peak =
      peak_stored_bytes(graph, schedule, {graph.extents({22528, 22528})}, 4, program, {});
  return static_cast<double>(peak.in_memory) / 1e9;
}

TEST_CASE("recomputing blocks takes a ResNet-18 of a gigapixel slide below 17 GB") {
  CHECK(peak_gigabytes(18, 16, false) < 30.0);
  CHECK(peak_gigabytes(18, 16, true) < 15.0);
  CHECK(peak_gigabytes(18, 16, true) > 12.0);
}

TEST_CASE("layers that are spilled take files instead of memory") {
  const Graph graph = network(18, 64);
  const Program program = make_program(graph);
  const auto schedule = make_layered_schedule(program, LayeredPurpose::kTraining, true);
  std::vector<LayerId> stored;
  for (const Node& node : program.nodes) {
    const bool is_stored = program.keeping[static_cast<size_t>(node.layer)] != Keeping::kNever;
    if (is_stored) stored.push_back(node.layer);
  }
  const auto peak = [&](const std::vector<LayerId>& spilled) {
    return peak_stored_bytes(graph, schedule, {graph.extents({1024, 1024})}, 4, program, spilled);
  };
  CHECK(peak({}).in_files == 0);
  CHECK(peak(stored).in_memory == 0);
  CHECK(peak(stored).in_files == peak({}).in_memory);
  const StoredBytes some = peak({stored.front()});
  CHECK(some.in_memory < peak({}).in_memory);
  CHECK(some.in_files > 0);
}

TEST_CASE("what is stored is forgotten again, in training and prediction") {
  for (const int depth : {10, 18, 50}) {
    const Program program = make_program(network(depth, 4));
    for (const auto purpose : {LayeredPurpose::kTraining, LayeredPurpose::kPrediction}) {
      for (const bool recomputes : {false, true}) {
        int values = 0;
        int gradients = 0;
        for (const LayeredTask& t : make_layered_schedule(program, purpose, recomputes)) {
          const bool stores = program.keeping[static_cast<size_t>(t.layer)] != Keeping::kNever;
          values += t.act == Act::kValues || t.act == Act::kValuesAgain ? 1 : 0;
          values -= t.act == Act::kForgetValues ? 1 : 0;
          gradients += t.act == Act::kGradient && stores ? 1 : 0;
          gradients -= t.act == Act::kForgetGradient ? 1 : 0;
        }
        CHECK(values == 0);
        CHECK(gradients == 0);
      }
    }
  }
}

}  // namespace
}  // namespace untiled::testing
