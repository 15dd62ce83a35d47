// Blocks on tiles anywhere in slides of any size: instruction sets agree, and nothing is read or
// written outside the crops (which sanitizers see). That the numbers are right is shown against
// whole-image autograd in tests/kernels/fused_kernel_test.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/core/random.h"
#include "lib/kernels/fused/decoder_block.h"
#include "lib/kernels/fused/encoder_block.h"
#include "lib/kernels/fused/output_block.h"
#include "tests/catch.h"

namespace untiled::fused {
namespace {

using Floats = std::vector<float>;

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed, 0) {}
  int64_t integer(int64_t begin, int64_t end) {
    return begin + static_cast<int64_t>(random_.uniform(0, static_cast<double>(end - begin)));
  }
  Floats floats(int64_t count) {
    Floats values(static_cast<size_t>(count));
    for (float& v : values) v = static_cast<float>(random_.uniform(-0.5, 0.5));
    return values;
  }
  std::vector<uint8_t> bytes(int64_t count, int64_t end) {
    std::vector<uint8_t> values(static_cast<size_t>(count));
    for (uint8_t& v : values) v = static_cast<uint8_t>(integer(0, end));
    return values;
  }
  Interval part(int64_t size) {
    const int64_t begin = integer(0, size);
    return {begin, integer(begin, size) + 1};
  }
  int64_t one_of(const std::vector<int64_t>& values) {
    return values[static_cast<size_t>(integer(0, static_cast<int64_t>(values.size())))];
  }
  /// `region` with margins of up to 9 pixels: crops may hold more than is needed.
  Region widened(const Region& region, const Extent& extent) {
    return clip({{region.rows.begin - integer(0, 10), region.rows.end + integer(0, 10)},
                 {region.cols.begin - integer(0, 10), region.cols.end + integer(0, 10)}},
                extent);
  }
  Region part(const Extent& extent) { return {part(extent.rows), part(extent.cols)}; }

 private:
  Random random_;
};

/// Weights of a layer and memory for them.
struct Layer {
  Layer(Draw& draw, int64_t kernel, int64_t in, int64_t out)
      : weight(draw.floats(kernel * kernel * in * out)),
        bias(draw.floats(out)),
        view{weight.data(), bias.data(), kernel, in, out} {}
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  Floats weight;
  Floats bias;
  LayerWeights view;
};

void append(Floats& all, const LayerSums& sums) {
  for (const auto* values : {&sums.weight, &sums.bias}) {
    for (const double v : *values) all.push_back(static_cast<float>(v));
  }
}

void append(Floats& all, const Floats& values) {
  all.insert(all.end(), values.begin(), values.end());
}

Extent quarter(const Extent& e) { return {ceil_div(e.rows, kPhases), ceil_div(e.cols, kPhases)}; }

Floats zeros(int channels, const Region& region) {
  return Floats(static_cast<size_t>(channels * region.area()));
}

/// An encoder of pixels or planes on a tile anywhere, and what it reads.
struct EncoderCase {
  EncoderCase(uint64_t seed, bool pixels)
      : draw(seed),
        extent{draw.integer(1, 200), draw.integer(1, 200)},
        in(pixels ? 3 : 2),
        down(draw, draw.one_of({5, 7, 9}), in, 3),
        refine(draw, draw.one_of({3, 5}), 3, 3),
        tile{.down = down.view,
             .refine = refine.view,
             .input = {},
             .in_extent = extent,
             .out_extent = quarter(extent),
             .out = draw.part(quarter(extent))},
        into(pixels ? Floats() : zeros(in, tile.input_region())) {
    use_input(draw.widened(tile.input_region(), extent));
  }
  EncoderCase(const EncoderCase&) = delete;
  EncoderCase& operator=(const EncoderCase&) = delete;

  void use_input(const Region& crop) {
    bytes = draw.bytes(3 * crop.area(), 256);
    planes = draw.floats(in * crop.area());
    if (in == 3) {
      tile.input = PixelCrop{bytes.data(), 3 * crop.cols.size(), crop};
    } else {
      tile.input = contiguous_crop(planes.data(), in, crop);
    }
  }
  PlaneTarget input_gradient() {
    return in == 3 ? PlaneTarget{} : PlaneTarget{into.data(), in, tile.input_region()};
  }

  Draw draw;
  Extent extent;
  int in;
  Layer down;
  Layer refine;
  EncoderTile tile;
  std::vector<uint8_t> bytes;
  Floats planes;
  Floats into;
};

Floats run_encoder(const RowKernels& kernels, uint64_t seed, bool pixels) {
  EncoderCase e(seed, pixels);
  Floats result = zeros(3, e.tile.out);
  encoder_forward(kernels, e.tile, {result.data(), 3, e.tile.out});
  const Floats gradient = e.draw.floats(3 * e.tile.out.area());
  const EncoderSums sums = encoder_backward(
      kernels, e.tile, contiguous_crop(gradient.data(), 3, e.tile.out), e.input_gradient());
  append(result, sums.down);
  append(result, sums.refine);
  append(result, e.into);
  return result;
}

bool same(const LayerSums& a, const LayerSums& b) {
  return a.weight == b.weight && a.bias == b.bias;
}

/// Three planes of rows that lie apart, no number where nothing was written.
struct SparsePlanes {
  explicit SparsePlanes(const Region& r)
      : region(r),
        row_stride(r.cols.size() + 3),
        channel_stride(row_stride * r.rows.size() + 5),
        values(static_cast<size_t>(3 * channel_stride), std::nanf("")) {}

  PlaneTarget target(const Region& part) {
    float* first = values.data() + (part.rows.begin - region.rows.begin) * row_stride +
                   part.cols.begin - region.cols.begin;
    return {first, 3, part, channel_stride, row_stride};
  }
  PlaneCrop crop() const { return {values.data(), 3, region, channel_stride, row_stride}; }

  Region region;
  int64_t row_stride;
  int64_t channel_stride;
  Floats values;
};

/// The way back of a tile from values that two other tiles' ways forward kept against the one that
/// recomputes them.
void check_kept_values(const RowKernels& kernels, uint64_t seed, bool pixels) {
  EncoderCase e(seed, pixels);
  e.use_input(whole(e.extent));
  const Region needed = e.tile.between();
  SparsePlanes between(e.draw.widened(needed, e.tile.out_extent));
  SparsePlanes out(between.region);
  const int64_t border = e.draw.integer(needed.rows.begin, needed.rows.end);
  EncoderTile other = e.tile;
  for (const Interval& rows :
       {Interval{needed.rows.begin, border + 1}, Interval{border + 1, needed.rows.end}}) {
    other.out = {rows, needed.cols};
    if (rows.empty()) continue;
    encoder_forward(kernels, other, out.target(other.out), between.target(other.out));
  }
  const Floats gradient = e.draw.floats(3 * e.tile.out.area());
  const PlaneCrop given = contiguous_crop(gradient.data(), 3, e.tile.out);
  const EncoderSums recomputed = encoder_backward(kernels, e.tile, given, e.input_gradient());
  const Floats expected = e.into;
  std::fill(e.into.begin(), e.into.end(), std::nanf(""));
  const EncoderSums found =
      encoder_backward(kernels, e.tile, {between.crop(), out.crop()}, given, e.input_gradient());
  CHECK(same(found.down, recomputed.down));
  CHECK(same(found.refine, recomputed.refine));
  CHECK(e.into == expected);
}

LossOfRow sigmoid(const RowKernels& kernels, const SigmoidLossRow& loss, SigmoidSums& sums) {
  return [&kernels, loss, &sums](const RowShape& shape, const uint8_t* labels, float* logits) {
    kernels.sigmoid_loss(shape, loss, labels, logits, sums);
  };
}

Floats run_decoder(const RowKernels& kernels, uint64_t seed) {
  Draw draw(seed);
  const Extent extent{draw.integer(1, 200), draw.integer(1, 200)};
  const Layer up(draw, draw.one_of({5, 7, 9}), 3, 2);
  UpsamplingTile tile{.layer = up.view,
                      .inputs = {},
                      .in_extent = quarter(extent),
                      .out_extent = extent,
                      .out = draw.part(extent)};
  const Region in = tile.in();
  const Region crop = draw.widened(in, quarter(extent));
  const Floats first = draw.floats(in.area());
  const Floats second = draw.floats(2 * crop.area());
  tile.inputs = {contiguous_crop(first.data(), 1, in), contiguous_crop(second.data(), 2, crop)};
  Floats result = zeros(2, tile.out);
  decoder_forward(kernels, tile, {result.data(), 2, tile.out});
  const Floats gradient = draw.floats(2 * tile.out.area());
  Floats into_first = zeros(1, in);
  Floats into_second = zeros(2, in);
  append(result, decoder_backward(kernels, tile, contiguous_crop(gradient.data(), 2, tile.out),
                                  {{into_first.data(), 1, in}, {into_second.data(), 2, in}}));
  append(result, into_first);
  append(result, into_second);
  return result;
}

/// Without the planes and pixels that it reads.
OutputTile output_tile(const Layer& up, const Layer& head, const Region& own,
                       const Extent& extent) {
  return {.upsampling = {.layer = up.view,
                         .inputs = {},
                         .in_extent = quarter(extent),
                         .out_extent = extent,
                         .out = OutputTile::features(own, head.view.kernel, extent)},
          .head = head.view,
          .pixels = {},
          .own = own};
}

Floats run_output(const RowKernels& kernels, uint64_t seed) {
  Draw draw(seed);
  const Extent extent{draw.integer(1, 200), draw.integer(1, 200)};
  const Layer up(draw, draw.one_of({5, 7, 9}), 3, 2);
  const Layer head(draw, draw.one_of({3, 5}), 5, 1);
  const Region own = draw.part(extent);
  const Region features = OutputTile::features(own, head.view.kernel, extent);
  const Region crop = draw.widened(features, extent);
  OutputTile tile = output_tile(up, head, own, extent);
  const Region in = tile.upsampling.in();
  const Floats planes = draw.floats(3 * in.area());
  const std::vector<uint8_t> bytes = draw.bytes(3 * crop.area(), 256);
  const std::vector<uint8_t> labels = draw.bytes(own.area(), 3);  // 2 has no weight.
  tile.upsampling.inputs = {contiguous_crop(planes.data(), 3, in)};
  tile.pixels = {bytes.data(), 3 * crop.cols.size(), crop};
  Floats result = zeros(1, own);
  output_forward(kernels, tile, {result.data(), 1, own});
  Floats into = zeros(3, in);
  SigmoidSums sums;
  const SigmoidLossRow loss{{1.0F, 2.0F}, 1.0F, {0.3F, -0.4F}};
  const OutputSums gradients = output_loss_backward(
      kernels, tile, labels.data(), sigmoid(kernels, loss, sums), {{into.data(), 3, in}});
  SigmoidSums again;
  output_loss(kernels, tile, labels.data(), sigmoid(kernels, loss, again));
  sums.finish();
  again.finish();
  for (size_t y = 0; y < 2; ++y) {
    CHECK(sums.cross_entropy[y] == again.cross_entropy[y]);
    CHECK(sums.count[y] == static_cast<double>(std::count(labels.begin(), labels.end(), y)));
    result.push_back(static_cast<float>(sums.cross_entropy[y]));
    result.push_back(static_cast<float>(sums.probability[y]));
  }
  const Floats given = draw.floats(own.area());
  const OutputSums back =
      output_backward(kernels, tile, contiguous_crop(given.data(), 1, own), {{into.data(), 3, in}});
  append(result, back.head);
  append(result, back.upsampling);
  append(result, gradients.head);
  append(result, gradients.upsampling);
  append(result, into);
  return result;
}

/// Predictions of an output block with `classes` channels against its logits; and all their
/// numbers, to be compared between instruction sets.
Floats run_prediction(const RowKernels& kernels, uint64_t seed, int classes) {
  Draw draw(seed);
  const Extent extent{draw.integer(1, 200), draw.integer(1, 200)};
  const Layer up(draw, 5, 3, 2);
  const Layer head(draw, 3, 5, classes);
  const Region own = draw.part(extent);
  const Region features = OutputTile::features(own, 3, extent);
  const std::vector<uint8_t> bytes = draw.bytes(3 * features.area(), 256);
  OutputTile tile = output_tile(up, head, own, extent);
  tile.pixels = {bytes.data(), 3 * features.cols.size(), features};
  const Region in = tile.upsampling.in();
  const Floats planes = draw.floats(3 * in.area());
  tile.upsampling.inputs = {contiguous_crop(planes.data(), 3, in)};
  Floats logits = zeros(classes, own);
  output_forward(kernels, tile, {logits.data(), classes, own});

  const auto count = static_cast<size_t>(own.area());
  const float cut = logits[count / 2];
  std::vector<uint8_t> found(count);
  Floats probabilities(logits.size());
  const std::vector<uint8_t> labels = draw.bytes(own.area(), 3);
  SigmoidSums sums;
  SigmoidSums expected_sums;
  OutputPrediction target{
      .cut = cut, .classes = found.data(), .probabilities = probabilities.data()};
  if (classes == 1) {
    target.labels = labels.data();
    target.loss = sigmoid(kernels, {}, sums);
    output_loss(kernels, tile, labels.data(), sigmoid(kernels, {}, expected_sums));
  }
  CHECK(output_predict(kernels, tile, target));
  for (size_t i = 0; i < count; ++i) {
    double sum = classes == 1 ? 1.0 : 0.0;  // One class: against a logit of 0.
    size_t largest = 0;
    for (size_t c = 0; c < static_cast<size_t>(classes); ++c) {
      sum += std::exp(static_cast<double>(logits[c * count + i]));
      if (logits[c * count + i] > logits[largest * count + i]) largest = c;
    }
    CHECK(found[i] == (classes == 1 ? static_cast<size_t>(logits[i] > cut) : largest));
    for (size_t c = 0; c < static_cast<size_t>(classes); ++c) {
      const double p = std::exp(static_cast<double>(logits[c * count + i])) / sum;
      CHECK(std::abs(static_cast<double>(probabilities[c * count + i]) - p) < 1e-6);
    }
  }
  CHECK(sums.count[1] == expected_sums.count[1]);
  CHECK(sums.probability[0] == expected_sums.probability[0]);
  return probabilities;
}

/// Sums and gradient of a row of logits, by the definition.
struct PlainSoftmax {
  std::vector<double> totals;
  std::vector<double> gradient;
};

PlainSoftmax plain_softmax(const SoftmaxLossRow& loss, const std::vector<double>& z, size_t label) {
  const size_t classes = z.size();
  PlainSoftmax result{std::vector<double>(2 + 3 * classes, 0.0), std::vector<double>(classes, 0.0)};
  if (label >= classes) return result;
  double sum = 0.0;
  for (const double v : z) sum += std::exp(v);
  const auto p = [&](size_t k) { return std::exp(z[k]) / sum; };
  const auto d = [&](size_t k) {
    return static_cast<double>(loss.offset[k]) +
           (k == label ? static_cast<double>(loss.slope[k]) : 0.0);
  };
  const auto weight = static_cast<double>(loss.weight[label]);
  result.totals[0] = -weight * std::log(p(label));
  result.totals[1] = weight;
  double along = 0.0;
  for (size_t k = 0; k < classes; ++k) along += p(k) * d(k);
  for (size_t k = 0; k < classes; ++k) {
    const double is_label = k == label ? 1.0 : 0.0;
    result.totals[2 + 3 * k] = weight * p(k) * is_label;
    result.totals[3 + 3 * k] = weight * p(k);
    result.totals[4 + 3 * k] = weight * is_label;
    result.gradient[k] = weight * (static_cast<double>(loss.cross_entropy) * (p(k) - is_label) +
                                   p(k) * (d(k) - along));
  }
  return result;
}

void check_softmax_row(const RowKernels& kernels, uint64_t seed) {
  Draw draw(seed);
  const auto classes = draw.integer(2, 6);
  const RowShape shape{32, 32 + 2 * kRowPadding};
  const SoftmaxLossRow loss{draw.floats(classes), draw.floats(classes), draw.floats(classes), 0.7F};
  const std::vector<uint8_t> labels = draw.bytes(kPhases * shape.width, classes + 1);
  const Floats drawn = draw.floats(classes * kPhases * shape.stride);
  AlignedFloats row(classes * kPhases * shape.stride);
  for (size_t i = 0; i < drawn.size(); ++i) row.data()[i] = 20.0F * drawn[i];
  AlignedFloats logits = row;
  SoftmaxSums sums(classes);
  kernels.softmax_loss(shape, classes, loss, labels.data(), row.data(), sums);

  std::vector<double> expected(sums.totals.size(), 0.0);
  for (int64_t x = 0; x < kPhases * shape.width; ++x) {
    const auto at = [&](int64_t k) {
      return (k * kPhases + x % kPhases) * shape.stride + x / kPhases;
    };
    std::vector<double> z;
    for (int64_t k = 0; k < classes; ++k) z.push_back(static_cast<double>(logits.data()[at(k)]));
    const PlainSoftmax plain = plain_softmax(loss, z, labels[static_cast<size_t>(x)]);
    for (size_t i = 0; i < expected.size(); ++i) expected[i] += plain.totals[i];
    for (int64_t k = 0; k < classes; ++k) {
      const double gradient = plain.gradient[static_cast<size_t>(k)];
      CHECK(std::abs(static_cast<double>(row.data()[at(k)]) - gradient) < 2e-6);
    }
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(std::abs(sums.totals[i] - expected[i]) < 1e-5 * (1.0 + std::abs(expected[i])));
  }
}

void check_equal(const Floats& found, const Floats& expected) {
  float largest = 1.0F;
  float difference = 0.0F;
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    difference = std::max(difference, std::abs(found[i] - expected[i]));
  }
  CHECK(difference <= 2e-5F * largest);
}

template <typename Run>
void check_all(Run run) {
  const RowKernels& scalar = row_kernels("scalar");
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    const Floats expected = run(scalar, seed);
    for (const std::string& simd : available_simd()) {
      INFO(fmt::format("{} seed {}", simd, seed));
      check_equal(run(row_kernels(simd), seed), expected);
    }
  }
}

TEST_CASE("the kernels name their compiler and its version") {
  const std::string name = kernel_compiler();
  CHECK((name.starts_with("clang ") || name.starts_with("gcc ")));
  CHECK(std::count(name.begin(), name.end(), '.') == 2);
}

TEST_CASE("encoders of pixels agree on every instruction set") {
  check_all([](const RowKernels& k, uint64_t seed) { return run_encoder(k, seed, true); });
}

TEST_CASE("encoders of planes agree on every instruction set") {
  check_all([](const RowKernels& k, uint64_t seed) { return run_encoder(k, seed, false); });
}

TEST_CASE(
    "an encoder's way back from values kept by other tiles has the bits of recomputing them") {
  for (const std::string& simd : available_simd()) {
    for (uint64_t seed = 1; seed <= 25; ++seed) {
      INFO(fmt::format("{} seed {}", simd, seed));
      check_kept_values(row_kernels(simd), seed, true);
      check_kept_values(row_kernels(simd), seed, false);
    }
  }
}

TEST_CASE("decoders agree on every instruction set") { check_all(run_decoder); }

TEST_CASE("the output and its loss agree on every instruction set") { check_all(run_output); }

TEST_CASE("the loss of several classes is its definition's on every instruction set") {
  for (const std::string& simd : available_simd()) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      INFO(fmt::format("{} seed {}", simd, seed));
      check_softmax_row(row_kernels(simd), seed);
    }
  }
}

TEST_CASE("classes and probabilities are those of the logits on every instruction set") {
  check_all([](const RowKernels& k, uint64_t seed) { return run_prediction(k, seed, 1); });
  check_all([](const RowKernels& k, uint64_t seed) { return run_prediction(k, seed, 4); });
}

TEST_CASE("a logit that is not finite is noticed, wherever it is") {
  for (const std::string& simd : available_simd()) {
    const RowKernels& kernels = row_kernels(simd);
    const RowShape shape{32, 64};
    std::vector<uint8_t> classes(128);
    for (const float wrong : {std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity(), std::nanf("")}) {
      AlignedFloats logits(2 * kPhases * 64);
      CHECK(kernels.classify(shape, 2, 0.0F, logits.data(), classes.data()));
      logits.data()[5 * 64 + 31] = wrong;
      CHECK_FALSE(kernels.classify(shape, 2, 0.0F, logits.data(), classes.data()));
    }
  }
}

}  // namespace
}  // namespace untiled::fused
