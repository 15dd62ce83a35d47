// The fused blocks of the default network, and the operations on rows that they are made of, on
// each instruction set: seconds of one thread for a gigapixel, the least of several runs. Rows lie
// as in a tile of a training step; what a block reads stays in the caches.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/core/random.h"
#include "lib/kernels/fused/encoder_block.h"
#include "lib/kernels/fused/output_block.h"
#include "lib/kernels/fused/row_buffer.h"

namespace untiled::fused {
namespace {

using Floats = std::vector<float>;

constexpr Extent kSlide = {4096, 4096};
constexpr Extent kCoarse = {kSlide.rows / kPhases, kSlide.cols / kPhases};
/// Pixels that a tile covers, as in a training step, somewhere in the slide.
constexpr Region kPixels = {{1024, 1280}, {1016, 2032}};
constexpr Region kQuarter = {{256, 320}, {254, 508}};

Floats random_floats(int64_t count, double least) {
  Random random(1, 0);
  Floats values(static_cast<size_t>(count));
  for (float& v : values) v = static_cast<float>(random.uniform(least, 0.5));
  return values;
}

std::vector<uint8_t> random_bytes(int64_t count, uint64_t end) {
  Random random(2, 0);
  std::vector<uint8_t> values(static_cast<size_t>(count));
  for (uint8_t& v : values) v = static_cast<uint8_t>(random.below(end));
  return values;
}

struct Layer {
  Layer(int64_t kernel, int64_t in, int64_t out)
      : weight(random_floats(kernel * kernel * in * out, -0.5)),
        bias(random_floats(out, -0.5)),
        view{weight.data(), bias.data(), kernel, in, out} {}

  Floats weight;
  Floats bias;
  LayerWeights view;
};

/// A contiguous crop and its memory.
struct Planes {
  Planes(int64_t channels, const Region& region, double least = -0.5)
      : values(random_floats(channels * region.area(), least)),
        target{values.data(), channels, region},
        crop(contiguous_crop(values.data(), channels, region)) {}

  Floats values;
  PlaneTarget target;
  PlaneCrop crop;
};

struct Pixels {
  explicit Pixels(const Region& region)
      : bytes(random_bytes(3 * region.area(), 256)),
        crop{bytes.data(), 3 * region.cols.size(), region} {}

  std::vector<uint8_t> bytes;
  PixelCrop crop;
};

void count_pixels(benchmark::State& state, int64_t pixels) {
  using benchmark::Counter;
  state.counters["s/Gpx"] = Counter(static_cast<double>(pixels) * 1e-9,
                                    Counter::kIsIterationInvariantRate | Counter::kInvert);
}

// ---- blocks ------------------------------------------------------------------------------------

struct Encoder {
  Layer down{7, 3, 2};
  Layer refine{3, 2, 2};
  EncoderTile tile{down.view, refine.view, {}, kSlide, kCoarse, kQuarter};
  Pixels pixels{tile.input_region()};
  Planes result{2, kQuarter};
  Planes between{2, tile.between()};
  Planes gradient{2, kQuarter};

  Encoder() { tile.input = pixels.crop; }
};

void encoder_forward(benchmark::State& state, const RowKernels& kernels) {
  Encoder e;
  while (state.KeepRunning()) encoder_forward(kernels, e.tile, e.result.target);
  count_pixels(state, kPixels.area());
}

void encoder_backward(benchmark::State& state, const RowKernels& kernels) {
  Encoder e;
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(encoder_backward(kernels, e.tile, e.gradient.crop, {}));
  }
  count_pixels(state, kPixels.area());
}

void encoder_backward_from_kept(benchmark::State& state, const RowKernels& kernels) {
  Encoder e;
  encoder_forward(kernels, e.tile, e.result.target, e.between.target);
  const EncoderValues values = {e.between.crop, e.result.crop};
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(encoder_backward(kernels, e.tile, values, e.gradient.crop, {}));
  }
  count_pixels(state, kPixels.area());
}

struct Output {
  Layer up{5, 4, 2};
  Layer head{3, 5, 1};
  OutputTile tile{{up.view, {}, kCoarse, kSlide, OutputTile::features(kPixels, 3, kSlide)},
                  head.view,
                  {},
                  kPixels};
  Planes inputs{4, tile.upsampling.in()};
  Planes gradients{4, tile.upsampling.in()};
  Pixels pixels{tile.upsampling.out};
  std::vector<uint8_t> labels = random_bytes(kPixels.area(), 2);

  Output() {
    tile.upsampling.inputs = {inputs.crop};
    tile.pixels = pixels.crop;
  }
};

void output_loss_backward(benchmark::State& state, const RowKernels& kernels) {
  Output o;
  SigmoidLossRow loss;
  loss.with_probability = false;
  SigmoidSums sums;
  const auto of_row = [&](const RowShape& shape, const uint8_t* labels, float* logits) {
    kernels.sigmoid_loss(shape, loss, labels, logits, sums);
  };
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(
        output_loss_backward(kernels, o.tile, o.labels.data(), of_row, {o.gradients.target}));
  }
  count_pixels(state, kPixels.area());
}

void output_predict(benchmark::State& state, const RowKernels& kernels) {
  Output o;
  std::vector<uint8_t> classes(static_cast<size_t>(kPixels.area()));
  OutputPrediction prediction;
  prediction.classes = classes.data();
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(output_predict(kernels, o.tile, prediction));
  }
  count_pixels(state, kPixels.area());
}

// ---- operations --------------------------------------------------------------------------------

constexpr RowShape kShape = {256, 256 + 2 * kRowPadding};

/// Rows and weights for any operation of the default network.
struct Operands {
  RowRing rows{16, 5 * kPhases, kShape};
  RowRing results{2, 5 * kPhases, kShape};
  Floats weights = random_floats(1024, -0.5);
  AlignedFloats sums{int64_t{1024} * kLanes};
  const float* in[kMostKernel + 1];
  float* out[2] = {results.row(0), results.row(1)};
  const float* given[2] = {results.row(0), results.row(1)};

  Operands() {
    const Floats values = random_floats(16 * 5 * kPhases * kShape.stride - kRowPadding, -0.5);
    std::copy(values.begin(), values.end(), rows.row(0));
    std::copy_n(values.begin(), 2 * 5 * kPhases * kShape.stride - kRowPadding, results.row(0));
    for (int64_t k = 0; k <= kMostKernel; ++k) in[k] = rows.row(k);
  }
};

struct Operation {
  std::string name;
  int64_t pixel_rows;  ///< That one run stands for.
  void (*run)(const RowKernels&, Operands&);
};

constexpr ConvShape kDown = {7, 3, 2, true};
constexpr ConvShape kRefine = {3, 2, 2, true};
constexpr ConvShape kHead = {3, 5, 1, false};
constexpr ConvShape kHeadBack = {3, 1, 2, false};
constexpr ConvShape kUp = {5, 4, 2, true};
constexpr ConvShape kUpBack = {5, 2, 4, false};

std::vector<Operation> operations() {
  return {
      {"split_rgb", 1,
       [](const RowKernels& k, Operands& o) {
         k.split_rgb(kShape, reinterpret_cast<const uint8_t*>(o.in[8]), nullptr, o.out[0]);
       }},
      {"down", 4,
       [](const RowKernels& k, Operands& o) {
         k.strided(kShape, kDown, o.in, o.weights.data(), o.weights.data(), o.out[0]);
       }},
      {"down weights", 4,
       [](const RowKernels& k, Operands& o) {
         k.strided_weights(kShape, kDown, o.in, o.out[0], o.sums.data());
       }},
      {"refine", 4,
       [](const RowKernels& k, Operands& o) {
         k.coarse(kShape, kRefine, o.in, o.weights.data(), o.weights.data(), nullptr, o.out[0]);
       }},
      {"refine back", 4,
       [](const RowKernels& k, Operands& o) {
         k.coarse(kShape, kRefine, o.in, o.weights.data(), nullptr, o.in[5], o.out[0]);
       }},
      {"refine weights", 4,
       [](const RowKernels& k, Operands& o) {
         k.coarse_weights(kShape, kRefine, o.in, o.out[0], o.sums.data());
       }},
      {"head", 2,
       [](const RowKernels& k, Operands& o) {
         k.fine(kShape, kHead, o.in, 2, o.weights.data(), o.weights.data(), nullptr, o.out);
       }},
      {"head weights", 2,
       [](const RowKernels& k, Operands& o) {
         k.fine_weights(kShape, kHead, o.in, 2, o.given, o.sums.data());
       }},
      {"head back", 1,
       [](const RowKernels& k, Operands& o) {
         k.fine(kShape, kHeadBack, o.in, 1, o.weights.data(), nullptr, o.in + 4, o.out);
       }},
      {"up", 4,
       [](const RowKernels& k, Operands& o) {
         // Of four rows one meets two rows of the kernel, the others one.
         for (int64_t row = 0; row < 4; ++row) {
           const TransposedTap taps[2] = {{o.in[row], row}, {o.in[row + 1], 4}};
           k.transposed(kShape, kUp, taps, row == 0 ? 2 : 1, o.weights.data(), o.weights.data(),
                        o.out[0]);
         }
       }},
      {"up back", 4,
       [](const RowKernels& k, Operands& o) {
         k.strided(kShape, kUpBack, o.in, o.weights.data(), nullptr, o.out[0]);
       }},
      {"up weights", 4,
       [](const RowKernels& k, Operands& o) {
         k.strided_weights(kShape, kUpBack, o.in, o.out[0], o.sums.data());
       }},
      {"loss", 1,
       [](const RowKernels& k, Operands& o) {
         SigmoidLossRow loss;
         loss.with_probability = false;
         SigmoidSums sums;
         static const auto labels = random_bytes(kPhases * kShape.width, 2);
         k.sigmoid_loss(kShape, loss, labels.data(), o.out[0], sums);
       }},
      {"classify", 1,
       [](const RowKernels& k, Operands& o) {
         static std::vector<uint8_t> classes(static_cast<size_t>(kPhases * kShape.width));
         benchmark::DoNotOptimize(k.classify(kShape, 1, 0.0F, o.in[0], classes.data()));
       }},
  };
}

void run_operation(benchmark::State& state, const RowKernels& kernels, const Operation& operation) {
  Operands o;
  while (state.KeepRunning()) {
    operation.run(kernels, o);
    benchmark::ClobberMemory();
  }
  count_pixels(state, operation.pixel_rows * kPhases * kShape.width);
}

// ---- registration ------------------------------------------------------------------------------

double least(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}

template <typename... Run>
void add(const std::string& name, const Run&... run) {
  benchmark::RegisterBenchmark(name.c_str(), run...)
      ->Unit(benchmark::kMicrosecond)
      ->MinTime(0.004)
      ->Repetitions(100)
      ->ReportAggregatesOnly()
      ->ComputeStatistics("min", least);
}

const bool registered = [] {
  for (const std::string& simd : available_simd()) {
    if (simd == "scalar") continue;
    const RowKernels& kernels = row_kernels(simd);
    using Block = void (*)(benchmark::State&, const RowKernels&);
    const auto block = [&](const char* name, Block run) {
      add(fmt::format("{}/{}", simd, name), run, kernels);
    };
    block("encoder 1 forward", encoder_forward);
    block("encoder 1 backward", encoder_backward);
    block("encoder 1 backward from kept values", encoder_backward_from_kept);
    block("output loss and backward", output_loss_backward);
    block("output prediction", output_predict);
    for (const Operation& operation : operations()) {
      add(fmt::format("{}/row {}", simd, operation.name), run_operation, kernels, operation);
    }
  }
  return true;
}();

}  // namespace
}  // namespace untiled::fused
