#include "tests/layered/slides_fixture.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <mutex>

#include "lib/core/random.h"
#include "lib/layered/running_statistics.h"
#include "lib/ranks/alone.h"
#include "lib/ranks/thread_ranks.h"
#include "lib/streaming/verification.h"
#include "models/resnet.h"
#include "models/resnet_graph.h"

namespace untiled::testing {

Picture::Picture(const Extent& extent, uint64_t seed) {
  constexpr uint8_t kBackground = 230;
  block_.region = untiled::whole(extent);
  block_.channels = 3;
  Random random(seed, 77);
  for (int64_t y = 0; y < extent.rows; ++y) {
    for (int64_t x = 0; x < extent.cols; ++x) {
      const bool is_background = y < extent.rows / 3 && x >= extent.cols / 4;
      for (int c = 0; c < 3; ++c) {
        const auto value = static_cast<uint8_t>(random.below(256));
        block_.bytes.push_back(is_background ? kBackground : value);
      }
    }
  }
}

PixelBlock Picture::read(const Region& region) const {
  PixelBlock part{.region = region, .channels = 3};
  part.bytes.resize(static_cast<size_t>(region.area() * 3));
  copy_overlap(block_, part);
  return part;
}

at::Tensor Picture::tensor(at::ScalarType dtype) const {
  const Extent e = extent();
  return at::from_blob(const_cast<uint8_t*>(block_.bytes.data()), {e.rows, e.cols, 3}, at::kByte)
      .permute({2, 0, 1})
      .unsqueeze(0)
      .to(dtype)
      .contiguous()
      .div_(255.0);
}

namespace {

std::vector<Region> between(const std::vector<int64_t>& rows, const std::vector<int64_t>& cols) {
  std::vector<Region> parts;
  for (size_t r = 0; r + 1 < rows.size(); ++r) {
    for (size_t c = 0; c + 1 < cols.size(); ++c) {
      parts.push_back({{rows[r], rows[r + 1]}, {cols[c], cols[c + 1]}});
    }
  }
  return parts;
}

std::vector<int64_t> cuts_at(const std::vector<double>& parts, int64_t side) {
  std::vector<int64_t> cuts = {0};
  for (const double part : parts) {
    cuts.push_back(static_cast<int64_t>(part * static_cast<double>(side)));
  }
  cuts.push_back(side);
  return cuts;
}

/// Some of the borders, at about even distances.
std::vector<int64_t> some_of(const std::vector<int64_t>& borders, int parts) {
  const auto cells = static_cast<int>(borders.size()) - 1;
  std::vector<int64_t> cuts;
  for (int i = 0; i <= parts; ++i) {
    cuts.push_back(borders[static_cast<size_t>(i * cells / parts)]);
  }
  return cuts;
}

}  // namespace

MakeParts rank_grid(const std::vector<double>& rows, const std::vector<double>& cols) {
  return [rows, cols](const Extent& e) {
    return between(cuts_at(rows, e.rows), cuts_at(cols, e.cols));
  };
}

MakeParts rank_cells_grid(int rows, int cols, const TileLattice& lattice) {
  return [=](const Extent& e) {
    const SlideCells cells = cells_of(e, lattice);
    return between(some_of(cells.rows, rows), some_of(cells.cols, cols));
  };
}

ModelSettings small_resnet(NormKind norm, int depth, int width) {
  ModelSettings model;
  model.kind = ModelKind::kResnet;
  model.norm = norm;
  model.depth = depth;
  model.width = width;
  return model;
}

SlidesSetup::SlidesSetup(const SlidesCase& c)
    : graph(resnet_graph(c.model, c.logits)),
      parameters(random_resnet_parameters(graph, c.seed)),
      statistics(initial_running_statistics(graph)) {
  for (size_t i = 0; i < c.sizes.size(); ++i) {
    pictures.push_back(std::make_unique<Picture>(c.sizes[i], c.seed * 100 + i));
  }
  for (at::Tensor& t : parameters.tensors) t = t.to(c.dtype);
  Random random(c.seed, 5);
  for (size_t i = 0; i < statistics.tensors.size(); ++i) {
    at::Tensor& t = statistics.tensors[i];
    if (t.dim() == 0) continue;
    t = t.to(c.dtype);
    for (int64_t k = 0; k < t.numel(); ++k) t[k].add_(random.uniform(0.0, 0.5));
  }
  running = to_statistics(statistics);
}

std::vector<int64_t> SlidesSetup::labels() const {
  std::vector<int64_t> labels;
  for (size_t i = 0; i < pictures.size(); ++i) labels.push_back(static_cast<int64_t>(i % 2));
  return labels;
}

std::vector<LabelledSlide> SlidesSetup::slides(const SlidesCase& c) const {
  std::vector<LabelledSlide> slides;
  for (size_t i = 0; i < pictures.size(); ++i) {
    const Extent e = pictures[i]->extent();
    std::vector<Region> parts;
    for (int64_t r = 0; r < c.ranks && !c.partition; ++r) {
      parts.push_back({{e.rows * r / c.ranks, e.rows * (r + 1) / c.ranks}, {0, e.cols}});
    }
    if (c.partition) parts = c.partition(e);
    slides.push_back({pictures[i].get(), labels()[i], parts});
  }
  return slides;
}

WholeSlidesStep SlidesSetup::whole(const SlidesCase& c) const {
  std::vector<at::Tensor> images;
  for (const auto& picture : pictures) images.push_back(picture->tensor(c.dtype));
  return whole_slides_step(c.model, parameters, statistics, images, labels(), c.class_weights);
}

LayeredStep streamed(const SlidesCase& c, const SlidesSetup& setup, const MakeRun& make) {
  const Program program = make_program(setup.graph);
  const std::vector<LabelledSlide> slides = setup.slides(c);
  const SlideLoss loss{c.class_weights};
  const auto schedule =
      make_layered_schedule(program, LayeredPurpose::kTraining, c.recomputes_blocks);
  LayeredStep first;
  const auto run_rank = [&](Group& ranks) {
    LayeredOptions options{.dtype = c.dtype, .tile = c.tile, .workers = c.workers};
    options.uses_row_kernels = c.uses_row_kernels;
    options.spilled = c.spilled;
    options.scratch = c.scratch;
    options.context = std::make_shared<StreamingContext>(at::kCPU);
    const LayeredRun::Inputs inputs{
        setup.parameters.tensors,
        setup.running,
        c.model.norm == NormKind::kBatch ? Statistics::kOfStep : Statistics::kRunning,
        slides,
        &loss,
        ranks};
    std::unique_ptr<LayeredRun> run =
        make ? make(setup.graph, program, options, inputs)
             : std::make_unique<LayeredRun>(setup.graph, program, options, inputs, FeatureWork());
    run->play(schedule);
    LayeredStep step = std::move(*run).result();
    if (ranks.rank() == 0) first = std::move(step);
  };
  if (c.ranks > 1) {
    run_thread_ranks(c.ranks, run_rank);
  } else {
    Alone alone;
    run_rank(alone);
  }
  return first;
}

WorstError worst_error(const SlidesCase& c, const SlidesSetup& setup, const LayeredStep& step) {
  const WholeSlidesStep whole = setup.whole(c);
  WorstError worst;
  const auto look = [&](const std::string& name, double error) {
    if (error > worst.error) worst = {error, name};
  };
  look("loss", relative_error(step.loss, whole.loss));
  std::vector<at::Tensor> logits;
  for (const std::vector<double>& l : step.logits) logits.push_back(at::tensor(l).unsqueeze(0));
  look("logits", relative_error(at::cat(logits), whole.logits));
  for (size_t i = 0; i < step.gradients.size(); ++i) {
    look(setup.parameters.names[i], relative_error(step.gradients[i], whole.gradients[i]));
  }
  if (c.model.norm != NormKind::kBatch) return worst;
  const NamedTensors running = update_running(setup.statistics, step.statistics);
  size_t next = 0;
  for (size_t i = 0; i < running.tensors.size(); ++i) {
    if (running.tensors[i].dim() == 0) continue;
    look(running.names[i], relative_error(running.tensors[i], whole.statistics[next++]));
  }
  return worst;
}

WorstError check_case(const SlidesCase& c, const MakeRun& make) {
  const SlidesSetup setup(c);
  return worst_error(c, setup, streamed(c, setup, make));
}

}  // namespace untiled::testing
