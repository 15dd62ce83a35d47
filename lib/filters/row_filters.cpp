#include "lib/filters/row_filters.h"

#include <array>
#include <cstring>
#include <utility>

#include "lib/core/error.h"
#include "lib/filters/constants.h"
#include "lib/filters/tables.h"

namespace untiled::filters {
namespace {

/// Rows and results of bytes as those of what they hold. Rows of floats begin at whole floats.
const float* const* floats(const uint8_t* const* rows) {
  return reinterpret_cast<const float* const*>(rows);
}
float* floats(uint8_t* row) { return reinterpret_cast<float*>(row); }

/// What makes one row from its window, one row after the other.
template <typename MakeRow>
RowsFunction row_by_row(MakeRow make_row) {
  return
      [make_row](const uint8_t* const* rows, int64_t count, int64_t pixels, uint8_t* const* outs) {
        for (int64_t row = 0; row < count; ++row) make_row(rows + row, pixels, outs[row]);
      };
}

RowFilter sobel(Sample in, const FilterRows& ops) {
  RowFilter filter{1, Border::kReflect, in, Sample::kFloat32, {}};
  if (in == Sample::kUint8) {
    filter.make = row_by_row([&ops](const uint8_t* const* rows, int64_t pixels, uint8_t* out) {
      ops.sobel_bytes(rows, pixels * kChannels, floats(out));
    });
  } else {
    filter.make = row_by_row([&ops](const uint8_t* const* rows, int64_t pixels, uint8_t* out) {
      ops.sobel_floats(floats(rows), pixels * kChannels, floats(out));
    });
  }
  return filter;
}

/// Memory of a thread for rows of floats, of which each grows to the longest that it was asked for.
float* scratch(size_t which, int64_t values) {
  thread_local std::array<std::vector<float>, kGaussianRows> memory;
  std::vector<float>& row = memory[which];
  if (row.size() < static_cast<size_t>(values)) row.resize(static_cast<size_t>(values));
  return row.data();
}

RowFilter gaussian(const FilterSpec& spec, Sample in, const FilterRows& ops) {
  const GaussianWeights weights = gaussian_weights(spec.sigma);
  const Sample out_sample = spec.to_bytes ? Sample::kUint8 : Sample::kFloat32;
  RowFilter filter{weights.radius(), Border::kNearest, in, out_sample, {}};
  filter.rows_at_once = kGaussianRows;
  filter.make = [=, &ops](const uint8_t* const* rows, int64_t made, int64_t pixels,
                          uint8_t* const* outs) {
    const int64_t count = pixels * kChannels;
    const int64_t padded = count + 2 * weights.radius() * kChannels;
    std::array<float*, kGaussianRows> down;
    for (size_t row = 0; row < down.size(); ++row) down[row] = scratch(row, padded);
    if (in == Sample::kUint8) {
      ops.gaussian_down_bytes(rows, weights, made, padded, down.data());
    } else {
      ops.gaussian_down_floats(floats(rows), weights, made, padded, down.data());
    }
    for (int64_t row = 0; row < made; ++row) {
      const float* from = down[static_cast<size_t>(row)];
      if (spec.to_bytes) {
        ops.gaussian_across_to_bytes(from, weights, count, outs[row]);
      } else {
        ops.gaussian_across(from, weights, count, floats(outs[row]));
      }
    }
  };
  return filter;
}

RowFilter median(Sample in, const FilterRows& ops) {
  RowFilter filter{kMedianSide / 2, Border::kNearest, in, in, {}};
  if (in == Sample::kUint8) {
    filter.make = row_by_row([&ops](const uint8_t* const* rows, int64_t pixels, uint8_t* out) {
      ops.median_bytes(rows, pixels * kChannels, out);
    });
  } else {
    filter.make = row_by_row([&ops](const uint8_t* const* rows, int64_t pixels, uint8_t* out) {
      ops.median_floats(floats(rows), pixels * kChannels, floats(out));
    });
  }
  return filter;
}

template <typename MakeRow>
RowFilter point_filter(Sample out, MakeRow make_row) {
  return {0, Border::kNearest, Sample::kUint8, out, row_by_row(make_row)};
}

RowFilter absorbance(const FilterRows& ops) {
  const auto with = [](auto absorb) {
    return [absorb](const uint8_t* const* rows, int64_t pixels, uint8_t* out) {
      absorb(rows[0], pixels * kChannels, floats(out));
    };
  };
  RowFilter filter = point_filter(Sample::kFloat32, with(ops.absorbance));
  if (ops.absorbance_later != nullptr) filter.make_later = row_by_row(with(ops.absorbance_later));
  return filter;
}

/// (red + green) + blue, three at once.
void separate(const uint8_t* row, int64_t pixels, uint8_t* out) {
  const SeparationTable& table = separation_table();
  constexpr size_t kBytes = kChannels * sizeof(float);
  for (int64_t i = 0; i < pixels; ++i, row += kChannels, out += kBytes) {
    const auto& r = table[0][row[0]];
    const auto& g = table[1][row[1]];
    const auto& b = table[2][row[2]];
    std::array<float, 4> sum{};
    for (size_t k = 0; k < sum.size(); ++k) sum[k] = (r[k] + g[k]) + b[k];
    std::memcpy(out, sum.data(), kBytes);
  }
}

RowFilter separation() {
  return point_filter(Sample::kFloat32, [](const uint8_t* const* rows, int64_t pixels,
                                           uint8_t* out) { separate(rows[0], pixels, out); });
}

RowFilter recolour(const std::shared_ptr<const Recoloring>& recoloring) {
  if (!recoloring) throw InternalError("macenko has no table of colours");
  return point_filter(Sample::kUint8,
                      [recoloring](const uint8_t* const* rows, int64_t pixels, uint8_t* out) {
                        recoloring->apply(rows[0], pixels, out);
                      });
}

}  // namespace

std::vector<RowFilter> make_row_filters(const std::vector<FilterSpec>& chain,
                                        const FilterRows& rows,
                                        const std::shared_ptr<const Recoloring>& recoloring) {
  std::vector<RowFilter> filters;
  Sample sample = Sample::kUint8;
  for (const FilterSpec& spec : chain) {
    switch (spec.kind) {
      case FilterKind::kSobel:
        filters.push_back(sobel(sample, rows));
        break;
      case FilterKind::kGaussian:
        filters.push_back(gaussian(spec, sample, rows));
        break;
      case FilterKind::kMedian:
        filters.push_back(median(sample, rows));
        break;
      case FilterKind::kAbsorbance:
        filters.push_back(absorbance(rows));
        break;
      case FilterKind::kSeparation:
        filters.push_back(separation());
        break;
      case FilterKind::kMacenko:
        filters.push_back(recolour(recoloring));
        break;
    }
    sample = filters.back().out;
  }
  return filters;
}

}  // namespace untiled::filters
