// Compiled once for every instruction set: Highway includes this file again for each.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/filters/vector_rows.cpp"
#include "lib/core/vector_targets.h"
// Reads what the line before says.
#include <hwy/foreach_target.h>

// Highway asks for these after foreach_target.h.
#include <hwy/highway.h>

#include "lib/filters/absorbance_rows.h"
#include "lib/filters/filter_rows.h"
#include "lib/filters/gaussian_rows-inl.h"
#include "lib/filters/median_rows-inl.h"
#include "lib/filters/sobel_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::filters::HWY_NAMESPACE {

const FilterRows* table() {
#if HWY_TARGET == HWY_SCALAR
  return &plain_rows();
#else
  static const FilterRows rows{.sobel_bytes = sobel_bytes,
                               .sobel_floats = sobel_floats,
                               .gaussian_down_bytes = gaussian_down_bytes,
                               .gaussian_down_floats = gaussian_down_floats,
                               .gaussian_across = gaussian_across,
                               .gaussian_across_to_bytes = gaussian_across_to_bytes,
                               .median_bytes = median<uint8_t>,
                               .median_floats = median<float>,
                               .absorbance = plain_rows().absorbance};
  return &rows;
#endif
}

}  // namespace untiled::filters::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/targets.h>

#include <algorithm>

#include "lib/core/error.h"

namespace untiled::filters {
namespace {

HWY_EXPORT(table);

/// Highway's targets that go by one name, of which the best is taken; better ones have lower bits.
struct Simd {
  const char* name;
  int64_t targets;
  /// Better than looking up in memory, which vectors do not make faster; null: nothing is.
  AbsorbanceRows (*absorbance)();
};

constexpr Simd kSimd[] = {
#if HWY_ARCH_ARM
    {"neon", HWY_NEON, nullptr},
#else
    {"avx512", HWY_AVX3 | (HWY_AVX3 - 1), absorbance_in_registers},
    {"avx2", HWY_AVX2, nullptr},
#endif
};

/// The table of the best of some targets, found by letting the dispatcher see those alone.
const FilterRows* table_of(int64_t targets) {
  hwy::SetSupportedTargetsForTest(targets);
  const FilterRows* found = HWY_DYNAMIC_DISPATCH(table)();
  hwy::SetSupportedTargetsForTest(0);
  return found;
}

struct Table {
  std::string name;
  FilterRows rows;
};

FilterRows rows_of(const Simd& simd, int64_t targets) {
  FilterRows rows = *table_of(targets);
  const AbsorbanceRows better = simd.absorbance != nullptr ? simd.absorbance() : AbsorbanceRows{};
  if (better.soon == nullptr) return rows;
  rows.absorbance = better.soon;
  rows.absorbance_later = better.later;
  return rows;
}

const std::vector<Table>& tables() {
  static const std::vector<Table> found = [] {
    std::vector<Table> list;
    for (const Simd& simd : kSimd) {
      const int64_t targets = HWY_TARGETS & hwy::SupportedTargets() & simd.targets;
      if (targets != 0) list.push_back({simd.name, rows_of(simd, targets)});
    }
    list.push_back({"scalar", plain_rows()});
    return list;
  }();
  return found;
}

}  // namespace

std::vector<std::string> available_filter_simd() {
  std::vector<std::string> names;
  for (const Table& t : tables()) names.push_back(t.name);
  return names;
}

const FilterRows& filter_rows(const std::string& simd) {
  if (simd == "auto") return tables().front().rows;
  for (const Table& t : tables()) {
    if (t.name == simd) return t.rows;
  }
  throw ConfigError(fmt::format("simd: {} does not run on this processor; it has {}", simd,
                                fmt::join(available_filter_simd(), ", ")));
}

}  // namespace untiled::filters
#endif
