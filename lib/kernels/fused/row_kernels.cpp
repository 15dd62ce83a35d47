// Compiled once for every instruction set: Highway includes this file again for each.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/fused/row_kernels.cpp"
#include "lib/core/vector_targets.h"
// Reads what the line before says.
#include <hwy/foreach_target.h>

// Highway asks for these after foreach_target.h.
#include <hwy/highway.h>

#include "lib/kernels/fused/conv_rows-inl.h"
#include "lib/kernels/fused/pixel_rows-inl.h"
#include "lib/kernels/fused/prediction_row-inl.h"
#include "lib/kernels/fused/row_kernels.h"
#include "lib/kernels/fused/sigmoid_row-inl.h"
#include "lib/kernels/fused/softmax_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::fused::HWY_NAMESPACE {

const RowKernels* table() {
  static const RowKernels kernels{.vector = kVector,
                                  .strided = strided,
                                  .strided_weights = strided_weights,
                                  .transposed = transposed,
                                  .fine = fine,
                                  .fine_weights = fine_weights,
                                  .coarse = coarse,
                                  .coarse_weights = coarse_weights,
                                  .split_rgb = split_rgb,
                                  .split = split,
                                  .join = join,
                                  .mask = mask,
                                  .add_up = add_up,
                                  .classify = classify,
                                  .probabilities = probabilities,
                                  .sigmoid_loss = sigmoid_loss,
                                  .softmax_loss = softmax_loss};
  return &kernels;
}

}  // namespace untiled::fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>

#include "lib/core/error.h"

namespace untiled::fused {
namespace {

HWY_EXPORT(table);

/// Highway's targets that go by one name, of which the best is taken; better ones have lower bits.
struct Simd {
  const char* name;
  int64_t targets;
};

constexpr int64_t kScalar = HWY_EMU128 | HWY_SCALAR;
constexpr Simd kSimd[] = {
#if HWY_ARCH_ARM
    {"neon", ~kScalar},
#else
    {"avx512", HWY_AVX3 | (HWY_AVX3 - 1)},
    {"avx2", HWY_AVX2},
#endif
    {"scalar", kScalar}};

/// The table of the best of some targets, found by letting the dispatcher see those alone.
const RowKernels* table_of(int64_t targets) {
  hwy::SetSupportedTargetsForTest(targets);
  const RowKernels* found = HWY_DYNAMIC_DISPATCH(table)();
  hwy::SetSupportedTargetsForTest(0);
  return found;
}

struct Table {
  std::string name;
  const RowKernels* kernels;
};

const std::vector<Table>& tables() {
  static const std::vector<Table> found = [] {
    std::vector<Table> list;
    const int64_t usable = hwy::SupportedTargets() | kScalar;
    for (const Simd& simd : kSimd) {
      const int64_t targets = HWY_TARGETS & usable & simd.targets;
      if (targets != 0) list.push_back({simd.name, table_of(targets)});
    }
    return list;
  }();
  return found;
}

}  // namespace

SigmoidSums::SigmoidSums() {
  for (int64_t y = 0; y < 2; ++y) {
    std::fill_n(product[y], kLanes, 1.0F);
    std::fill_n(exponent[y], kLanes, 0);
  }
}

void SigmoidSums::finish() {
  for (int64_t y = 0; y < 2; ++y) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      cross_entropy[y] += std::log(static_cast<double>(product[y][lane])) +
                          std::log(2.0) * static_cast<double>(exponent[y][lane]);
    }
  }
}

static_assert(kMostKernel == 9, "the largest of the kernels below");
bool has_strided_kernel(int64_t kernel) { return kernel == 5 || kernel == 7 || kernel == 9; }
bool has_unit_kernel(int64_t kernel) { return kernel == 3 || kernel == 5; }

std::string kernel_compiler() {
#ifdef __clang__
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("gcc {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

std::vector<std::string> available_simd() {
  std::vector<std::string> names;
  for (const Table& t : tables()) names.push_back(t.name);
  return names;
}

const RowKernels& row_kernels(const std::string& simd) {
  if (simd == "auto") return *tables().front().kernels;
  for (const Table& t : tables()) {
    if (t.name == simd) return *t.kernels;
  }
  throw ConfigError(fmt::format("simd: {} does not run on this processor; it has {}", simd,
                                fmt::join(available_simd(), ", ")));
}

}  // namespace untiled::fused
#endif
