// Convolutions of rows and their weight gradients. Each function cuts its outputs into blocks whose
// sums fit into registers; kernel sizes are template parameters, so that taps unroll.
#if defined(UNTILED_CONV_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef UNTILED_CONV_ROWS_INL_H
#undef UNTILED_CONV_ROWS_INL_H
#else
#define UNTILED_CONV_ROWS_INL_H
#endif

#include <algorithm>
#include <type_traits>

#include "lib/kernels/fused/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::fused::HWY_NAMESPACE {

/// Where the fine column 4 * j + offset lies: in which phase, and how many coarse columns on.
struct FineColumn {
  int64_t phase;
  int64_t shift;
};
constexpr FineColumn fine_column(int64_t offset) {
  const int64_t phase = ((offset % kPhases) + kPhases) % kPhases;
  return {phase, (offset - phase) / kPhases};
}

/// The phases of a channel of a fine row at one index.
struct FineIndex {
  const float* phase[kPhases];

  HWY_INLINE FineIndex(const float* channel, int64_t stride) {
    UNTILED_UNROLL
    for (int64_t p = 0; p < kPhases; ++p) phase[p] = hidden(channel + p * stride);
  }
  /// The fine column `offset` beside the first of the index, `vectors` on.
  HWY_INLINE Vector load_at(int64_t offset, int64_t vectors = 0) const {
    const FineColumn at = fine_column(offset);
    const float* p = phase[at.phase] + vectors * kVector + at.shift;
    return at.shift == 0 ? load(p) : load_unaligned(p);
  }
};

HWY_INLINE Vector bias_or_zero(const float* bias, int64_t o) {
  return bias != nullptr ? spread(bias + o) : hn::Zero(kFloats);
}

// ---- strided: fine rows to a coarse one --------------------------------------------------------

/// `kOut` channels of `kCount` vectors at column j.
template <int64_t kKernel, int64_t kOut, int64_t kCount>
HWY_INLINE void strided_block(const RowShape& shape, const ConvShape& conv,
                              const float* const* rows, const float* weights, const float* bias,
                              float* out, int64_t j) {
  const int64_t per_out = conv.in * kKernel * kKernel;
  Vector sum[kOut][kCount];
  UNTILED_UNROLL
  for (int64_t o = 0; o < kOut; ++o) {
    UNTILED_UNROLL
    for (int64_t q = 0; q < kCount; ++q) sum[o][q] = bias_or_zero(bias, o);
  }
  for (int64_t i = 0; i < conv.in; ++i) {
    for (int64_t ky = 0; ky < kKernel; ++ky) {
      const FineIndex row(rows[ky] + i * kPhases * shape.stride + j, shape.stride);
      const float* tap = weights + (i * kKernel + ky) * kKernel;
      UNTILED_UNROLL
      for (int64_t kx = 0; kx < kKernel; ++kx) {
        Vector x[kCount];
        UNTILED_UNROLL
        for (int64_t q = 0; q < kCount; ++q) x[q] = row.load_at(kx - (kKernel - 1) / 2, q);
        UNTILED_UNROLL
        for (int64_t o = 0; o < kOut; ++o) {
          const Vector w = spread(tap + o * per_out + kx);
          UNTILED_UNROLL
          for (int64_t q = 0; q < kCount; ++q) sum[o][q] = hn::MulAdd(x[q], w, sum[o][q]);
        }
      }
    }
  }
  UNTILED_UNROLL
  for (int64_t o = 0; o < kOut; ++o) {
    UNTILED_UNROLL
    for (int64_t q = 0; q < kCount; ++q) {
      const Vector v = conv.relu ? at_least_zero(sum[o][q]) : sum[o][q];
      hn::Store(v, kFloats, out + o * shape.stride + j + q * kVector);
    }
  }
}

template <int64_t kKernel, int64_t kOut>
HWY_NOINLINE void strided_channels(const RowShape& shape, const ConvShape& conv,
                                   const float* const* rows, const float* weights,
                                   const float* bias, float* out) {
  constexpr int64_t kCount = std::min<int64_t>(4, (kManyRegisters ? 16 : 8) / kOut);
  int64_t j = 0;
  for (; j + kCount * kVector <= shape.width; j += kCount * kVector) {
    strided_block<kKernel, kOut, kCount>(shape, conv, rows, weights, bias, out, j);
  }
  for (; j < shape.width; j += kVector) {
    strided_block<kKernel, kOut, 1>(shape, conv, rows, weights, bias, out, j);
  }
}

template <int64_t kKernel>
void strided_of(const RowShape& shape, const ConvShape& conv, const float* const* rows,
                const float* weights, const float* bias, float* out) {
  const int64_t per_out = conv.in * kKernel * kKernel;
  int64_t o = 0;
  const auto run = [&](auto channels) {
    constexpr int64_t kOut = decltype(channels)::value;
    for (; o + kOut <= conv.out; o += kOut) {
      strided_channels<kKernel, kOut>(shape, conv, rows, weights + o * per_out,
                                      bias != nullptr ? bias + o : nullptr, out + o * shape.stride);
    }
  };
  run(std::integral_constant<int64_t, 4>());
  run(std::integral_constant<int64_t, 2>());
  run(std::integral_constant<int64_t, 1>());
}

// ---- weight gradients of strided ---------------------------------------------------------------

/// `kOut` channels of the taps from kFirst on, `kTaps` in each row of the kernel.
template <int64_t kKernel, int64_t kOut, int64_t kFirst, int64_t kTaps>
HWY_NOINLINE void strided_weights_of_taps(const RowShape& shape, const ConvShape& conv,
                                          const float* const* rows, const float* out_gradient,
                                          float* sums) {
  const int64_t per_out = conv.in * kKernel * kKernel * kLanes;
  for (int64_t i = 0; i < conv.in; ++i) {
    for (int64_t ky = 0; ky < kKernel; ++ky) {
      const float* row = rows[ky] + i * kPhases * shape.stride;
      float* at = sums + ((i * kKernel + ky) * kKernel + kFirst) * kLanes;
      Vector sum[kOut][kTaps];
      UNTILED_UNROLL
      for (int64_t o = 0; o < kOut; ++o) {
        UNTILED_UNROLL
        for (int64_t kx = 0; kx < kTaps; ++kx) sum[o][kx] = load(at + o * per_out + kx * kLanes);
      }
      for (int64_t j = 0; j < shape.width; j += kVector) {
        Vector g[kOut];
        UNTILED_UNROLL
        for (int64_t o = 0; o < kOut; ++o) g[o] = load(out_gradient + o * shape.stride + j);
        const FineIndex index(row + j, shape.stride);
        UNTILED_UNROLL
        for (int64_t kx = 0; kx < kTaps; ++kx) {
          const Vector x = index.load_at(kFirst + kx - (kKernel - 1) / 2);
          UNTILED_UNROLL
          for (int64_t o = 0; o < kOut; ++o) sum[o][kx] = hn::MulAdd(x, g[o], sum[o][kx]);
        }
      }
      UNTILED_UNROLL
      for (int64_t o = 0; o < kOut; ++o) {
        UNTILED_UNROLL
        for (int64_t kx = 0; kx < kTaps; ++kx) {
          hn::Store(sum[o][kx], kFloats, at + o * per_out + kx * kLanes);
        }
      }
    }
  }
}

/// Half of the taps at a time where sums of all of them do not fit into registers.
template <int64_t kKernel, int64_t kOut>
void strided_weights_of_channels(const RowShape& shape, const ConvShape& conv,
                                 const float* const* rows, const float* out_gradient, float* sums) {
  constexpr int64_t kTaps = kManyRegisters || kKernel <= 5 ? kKernel : (kKernel + 1) / 2;
  strided_weights_of_taps<kKernel, kOut, 0, kTaps>(shape, conv, rows, out_gradient, sums);
  if constexpr (kTaps < kKernel) {
    strided_weights_of_taps<kKernel, kOut, kTaps, kKernel - kTaps>(shape, conv, rows, out_gradient,
                                                                   sums);
  }
}

template <int64_t kKernel>
void strided_weights_of(const RowShape& shape, const ConvShape& conv, const float* const* rows,
                        const float* out_gradient, float* sums) {
  const int64_t per_out = conv.in * kKernel * kKernel * kLanes;
  int64_t o = 0;
  const auto run = [&](auto channels) {
    constexpr int64_t kOut = decltype(channels)::value;
    for (; o + kOut <= conv.out; o += kOut) {
      strided_weights_of_channels<kKernel, kOut>(shape, conv, rows, out_gradient + o * shape.stride,
                                                 sums + o * per_out);
    }
  };
  if constexpr (kManyRegisters && kKernel <= 5) run(std::integral_constant<int64_t, 4>());
  run(std::integral_constant<int64_t, 2>());
  run(std::integral_constant<int64_t, 1>());
}

// ---- transposed: coarse rows to a fine one -----------------------------------------------------

/// Fine column 4 * j + p takes the coarse column j + (p + padding - kx) / 4 where that is whole.
template <int64_t kKernel, int64_t kOut, int64_t kCount>
HWY_INLINE void transposed_block(const RowShape& shape, const ConvShape& conv,
                                 const TransposedTap* taps, int64_t tap_count, const float* weights,
                                 const float* bias, float* out, int64_t j) {
  constexpr int64_t kPadding = (kKernel - 1) / 2;
  const int64_t per_out = conv.in * kKernel * kKernel;
  Vector sum[kOut][kCount][kPhases];
  UNTILED_UNROLL
  for (int64_t o = 0; o < kOut; ++o) {
    UNTILED_UNROLL
    for (int64_t q = 0; q < kCount; ++q) {
      UNTILED_UNROLL
      for (int64_t p = 0; p < kPhases; ++p) sum[o][q][p] = bias_or_zero(bias, o);
    }
  }
  for (int64_t t = 0; t < tap_count; ++t) {
    for (int64_t i = 0; i < conv.in; ++i) {
      const float* row = taps[t].row + i * shape.stride + j;
      const float* tap = weights + (i * kKernel + taps[t].kernel_row) * kKernel;
      UNTILED_UNROLL
      for (int64_t kx = 0; kx < kKernel; ++kx) {
        // x = 4 (j - shift) + phase for the tap's own column j.
        const FineColumn at = fine_column(kx - kPadding);
        Vector x[kCount];
        UNTILED_UNROLL
        for (int64_t q = 0; q < kCount; ++q) {
          const float* p = row + q * kVector - at.shift;
          x[q] = at.shift == 0 ? load(p) : load_unaligned(p);
        }
        UNTILED_UNROLL
        for (int64_t o = 0; o < kOut; ++o) {
          const Vector w = spread(tap + o * per_out + kx);
          UNTILED_UNROLL
          for (int64_t q = 0; q < kCount; ++q) {
            sum[o][q][at.phase] = hn::MulAdd(x[q], w, sum[o][q][at.phase]);
          }
        }
      }
    }
  }
  UNTILED_UNROLL
  for (int64_t o = 0; o < kOut; ++o) {
    UNTILED_UNROLL
    for (int64_t q = 0; q < kCount; ++q) {
      UNTILED_UNROLL
      for (int64_t p = 0; p < kPhases; ++p) {
        const Vector s = sum[o][q][p];
        const Vector v = conv.relu ? at_least_zero(s) : s;
        hn::Store(v, kFloats, out + (o * kPhases + p) * shape.stride + j + q * kVector);
      }
    }
  }
}

template <int64_t kKernel, int64_t kOut>
HWY_NOINLINE void transposed_channels(const RowShape& shape, const ConvShape& conv,
                                      const TransposedTap* taps, int64_t tap_count,
                                      const float* weights, const float* bias, float* out) {
  constexpr int64_t kCount = 2;
  int64_t j = 0;
  for (; j + kCount * kVector <= shape.width; j += kCount * kVector) {
    transposed_block<kKernel, kOut, kCount>(shape, conv, taps, tap_count, weights, bias, out, j);
  }
  for (; j < shape.width; j += kVector) {
    transposed_block<kKernel, kOut, 1>(shape, conv, taps, tap_count, weights, bias, out, j);
  }
}

template <int64_t kKernel>
void transposed_of(const RowShape& shape, const ConvShape& conv, const TransposedTap* taps,
                   int64_t tap_count, const float* weights, const float* bias, float* out) {
  const int64_t per_out = conv.in * kKernel * kKernel;
  int64_t o = 0;
  const auto run = [&](auto channels) {
    constexpr int64_t kOut = decltype(channels)::value;
    for (; o + kOut <= conv.out; o += kOut) {
      transposed_channels<kKernel, kOut>(shape, conv, taps, tap_count, weights + o * per_out,
                                         bias != nullptr ? bias + o : nullptr,
                                         out + o * kPhases * shape.stride);
    }
  };
  if constexpr (kManyRegisters) run(std::integral_constant<int64_t, 2>());
  run(std::integral_constant<int64_t, 1>());
}

// ---- stride 1, on rows of kPlanes planes a channel: 4 (fine) or 1 (coarse) ---------------------

/// Columns that the planes of one index and their neighbours take part in, from the first on.
template <int64_t kKernel, int64_t kPlanes>
HWY_INLINE void load_neighbours(const float* channel, int64_t stride, int64_t j,
                                Vector (&x)[kPlanes + kKernel - 1]) {
  constexpr int64_t kPadding = (kKernel - 1) / 2;
  if constexpr (kPlanes == kPhases) {
    const FineIndex index(channel + j, stride);
    UNTILED_UNROLL
    for (int64_t n = 0; n < kPlanes + kKernel - 1; ++n) x[n] = index.load_at(n - kPadding);
  } else {
    UNTILED_UNROLL
    for (int64_t n = 0; n < kKernel; ++n) {
      const float* p = channel + j + n - kPadding;
      x[n] = n == kPadding ? load(p) : load_unaligned(p);
    }
  }
}

/// `kOut` channels of `kRows` output rows; out[r] is the row of the first of the channels.
template <int64_t kKernel, int64_t kPlanes, int64_t kOut, int64_t kRows>
HWY_NOINLINE void unit_channels(const RowShape& shape, const ConvShape& conv,
                                const float* const* rows, const float* weights, const float* bias,
                                const float* const* mask, float* const* out) {
  const int64_t per_out = conv.in * kKernel * kKernel;
  for (int64_t j = 0; j < shape.width; j += kVector) {
    Vector sum[kOut][kRows][kPlanes];
    UNTILED_UNROLL
    for (int64_t o = 0; o < kOut; ++o) {
      UNTILED_UNROLL
      for (int64_t r = 0; r < kRows; ++r) {
        UNTILED_UNROLL
        for (int64_t p = 0; p < kPlanes; ++p) sum[o][r][p] = bias_or_zero(bias, o);
      }
    }
    for (int64_t i = 0; i < conv.in; ++i) {
      UNTILED_UNROLL
      for (int64_t n = 0; n < kKernel + kRows - 1; ++n) {
        Vector x[kPlanes + kKernel - 1];
        load_neighbours<kKernel, kPlanes>(rows[n] + i * kPlanes * shape.stride, shape.stride, j, x);
        UNTILED_UNROLL
        for (int64_t kx = 0; kx < kKernel; ++kx) {
          UNTILED_UNROLL
          for (int64_t r = 0; r < kRows; ++r) {
            const int64_t ky = n - r;
            if (ky < 0 || ky >= kKernel) continue;
            UNTILED_UNROLL
            for (int64_t o = 0; o < kOut; ++o) {
              const Vector w = spread(weights + o * per_out + (i * kKernel + ky) * kKernel + kx);
              UNTILED_UNROLL
              for (int64_t p = 0; p < kPlanes; ++p) {
                sum[o][r][p] = hn::MulAdd(x[p + kx], w, sum[o][r][p]);
              }
            }
          }
        }
      }
    }
    UNTILED_UNROLL
    for (int64_t o = 0; o < kOut; ++o) {
      UNTILED_UNROLL
      for (int64_t r = 0; r < kRows; ++r) {
        UNTILED_UNROLL
        for (int64_t p = 0; p < kPlanes; ++p) {
          const int64_t at = (o * kPlanes + p) * shape.stride + j;
          Vector v = sum[o][r][p];
          if (mask != nullptr) {
            v = hn::IfThenElseZero(hn::Gt(load(mask[r] + at), hn::Zero(kFloats)), v);
          }
          if (conv.relu) v = at_least_zero(v);
          hn::Store(v, kFloats, out[r] + at);
        }
      }
    }
  }
}

template <int64_t kKernel, int64_t kPlanes, int64_t kRows>
void unit_of(const RowShape& shape, const ConvShape& conv, const float* const* rows,
             const float* weights, const float* bias, const float* const* mask, float* const* out) {
  const int64_t per_out = conv.in * kKernel * kKernel;
  int64_t o = 0;
  const auto run = [&](auto channels) {
    constexpr int64_t kOut = decltype(channels)::value;
    for (; o + kOut <= conv.out; o += kOut) {
      const int64_t offset = o * kPlanes * shape.stride;
      const float* masks[kRows];
      float* outs[kRows];
      for (int64_t r = 0; r < kRows; ++r) {
        masks[r] = mask != nullptr ? mask[r] + offset : nullptr;
        outs[r] = out[r] + offset;
      }
      unit_channels<kKernel, kPlanes, kOut, kRows>(shape, conv, rows, weights + o * per_out,
                                                   bias != nullptr ? bias + o : nullptr,
                                                   mask != nullptr ? masks : nullptr, outs);
    }
  };
  // Eight sums hide how long a product takes.
  constexpr bool kTwo = kManyRegisters || kPlanes * kRows < 8;
  if constexpr (kTwo) run(std::integral_constant<int64_t, 2>());
  run(std::integral_constant<int64_t, 1>());
}

/// Of one output and one input channel.
template <int64_t kKernel, int64_t kPlanes, int64_t kRows>
HWY_NOINLINE void unit_weights_of_channel(const RowShape& shape, const float* const* rows,
                                          int64_t i, const float* const* out_gradient, int64_t o,
                                          float* sums) {
  Vector sum[kKernel * kKernel];
  UNTILED_UNROLL
  for (int64_t k = 0; k < kKernel * kKernel; ++k) sum[k] = load(sums + k * kLanes);
  for (int64_t j = 0; j < shape.width; j += kVector) {
    Vector g[kRows][kPlanes];
    UNTILED_UNROLL
    for (int64_t r = 0; r < kRows; ++r) {
      UNTILED_UNROLL
      for (int64_t p = 0; p < kPlanes; ++p) {
        g[r][p] = load(out_gradient[r] + (o * kPlanes + p) * shape.stride + j);
      }
    }
    UNTILED_UNROLL
    for (int64_t n = 0; n < kKernel + kRows - 1; ++n) {
      Vector x[kPlanes + kKernel - 1];
      load_neighbours<kKernel, kPlanes>(rows[n] + i * kPlanes * shape.stride, shape.stride, j, x);
      UNTILED_UNROLL
      for (int64_t r = 0; r < kRows; ++r) {
        const int64_t ky = n - r;
        if (ky < 0 || ky >= kKernel) continue;
        UNTILED_UNROLL
        for (int64_t p = 0; p < kPlanes; ++p) {
          UNTILED_UNROLL
          for (int64_t kx = 0; kx < kKernel; ++kx) {
            sum[ky * kKernel + kx] = hn::MulAdd(x[p + kx], g[r][p], sum[ky * kKernel + kx]);
          }
        }
      }
    }
  }
  UNTILED_UNROLL
  for (int64_t k = 0; k < kKernel * kKernel; ++k) hn::Store(sum[k], kFloats, sums + k * kLanes);
}

template <int64_t kKernel, int64_t kPlanes, int64_t kRows>
void unit_weights_of(const RowShape& shape, const ConvShape& conv, const float* const* rows,
                     const float* const* out_gradient, float* sums) {
  for (int64_t o = 0; o < conv.out; ++o) {
    for (int64_t i = 0; i < conv.in; ++i) {
      unit_weights_of_channel<kKernel, kPlanes, kRows>(
          shape, rows, i, out_gradient, o, sums + (o * conv.in + i) * kKernel * kKernel * kLanes);
    }
  }
}

// ---- the operations of the table: kernel sizes become types ------------------------------------

template <typename Run>
void for_strided_kernel(int64_t kernel, Run run) {
  if (kernel == 5) run(std::integral_constant<int64_t, 5>());
  if (kernel == 7) run(std::integral_constant<int64_t, 7>());
  if (kernel == 9) run(std::integral_constant<int64_t, 9>());
}

template <typename Run>
void for_unit_kernel(int64_t kernel, Run run) {
  if (kernel == 3) run(std::integral_constant<int64_t, 3>());
  if (kernel == 5) run(std::integral_constant<int64_t, 5>());
}

void strided(const RowShape& shape, const ConvShape& conv, const float* const* rows,
             const float* weights, const float* bias, float* out) {
  for_strided_kernel(conv.kernel, [&](auto kernel) {
    strided_of<decltype(kernel)::value>(shape, conv, rows, weights, bias, out);
  });
}

void strided_weights(const RowShape& shape, const ConvShape& conv, const float* const* rows,
                     const float* out_gradient, float* sums) {
  for_strided_kernel(conv.kernel, [&](auto kernel) {
    strided_weights_of<decltype(kernel)::value>(shape, conv, rows, out_gradient, sums);
  });
}

void transposed(const RowShape& shape, const ConvShape& conv, const TransposedTap* taps,
                int64_t tap_count, const float* weights, const float* bias, float* out) {
  for_strided_kernel(conv.kernel, [&](auto kernel) {
    transposed_of<decltype(kernel)::value>(shape, conv, taps, tap_count, weights, bias, out);
  });
}

void fine(const RowShape& shape, const ConvShape& conv, const float* const* rows, int64_t count,
          const float* weights, const float* bias, const float* const* mask, float* const* out) {
  for_unit_kernel(conv.kernel, [&](auto kernel) {
    constexpr int64_t kKernel = decltype(kernel)::value;
    if ((kManyRegisters || kKernel == 3) && count == 2) {
      unit_of<kKernel, kPhases, 2>(shape, conv, rows, weights, bias, mask, out);
      return;
    }
    for (int64_t r = 0; r < count; ++r) {
      unit_of<kKernel, kPhases, 1>(shape, conv, rows + r, weights, bias,
                                   mask != nullptr ? mask + r : nullptr, out + r);
    }
  });
}

void fine_weights(const RowShape& shape, const ConvShape& conv, const float* const* rows,
                  int64_t count, const float* const* out_gradient, float* sums) {
  for_unit_kernel(conv.kernel, [&](auto kernel) {
    constexpr int64_t kKernel = decltype(kernel)::value;
    if (kManyRegisters && kKernel == 3 && count == 2) {
      unit_weights_of<kKernel, kPhases, 2>(shape, conv, rows, out_gradient, sums);
      return;
    }
    for (int64_t r = 0; r < count; ++r) {
      unit_weights_of<kKernel, kPhases, 1>(shape, conv, rows + r, out_gradient + r, sums);
    }
  });
}

void coarse(const RowShape& shape, const ConvShape& conv, const float* const* rows,
            const float* weights, const float* bias, const float* mask, float* out) {
  for_unit_kernel(conv.kernel, [&](auto kernel) {
    unit_of<decltype(kernel)::value, 1, 1>(shape, conv, rows, weights, bias,
                                           mask != nullptr ? &mask : nullptr, &out);
  });
}

void coarse_weights(const RowShape& shape, const ConvShape& conv, const float* const* rows,
                    const float* out_gradient, float* sums) {
  for_unit_kernel(conv.kernel, [&](auto kernel) {
    unit_weights_of<decltype(kernel)::value, 1, 1>(shape, conv, rows, &out_gradient, sums);
  });
}

}  // namespace untiled::fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
