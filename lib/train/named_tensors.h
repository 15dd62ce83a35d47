// What training does with lists of named tensors: look up, copy, compare, hash.
#pragma once

#include <string>
#include <string_view>

#include "lib/streaming/parameters.h"

namespace untiled {

/// The tensor of that name, or an undefined one.
at::Tensor find_tensor(const NamedTensors& tensors, std::string_view name);

/// Appends `more` to `tensors` with `prefix` before each name.
void append_prefixed(NamedTensors& tensors, std::string_view prefix, const NamedTensors& more);

/// The tensors whose names begin with `prefix`, without it.
NamedTensors with_prefix(const NamedTensors& tensors, std::string_view prefix);

/// Deep, contiguous copies on the CPU.
NamedTensors clone(const NamedTensors& tensors);

/// `tensors` in the order of `pattern`. Throws DataError naming the first tensor that is missing
/// or has another shape or dtype, or that `pattern` does not have.
NamedTensors match(const NamedTensors& tensors, const NamedTensors& pattern);

/// True when no value is infinite or NaN.
bool all_finite(const std::vector<at::Tensor>& tensors);

int64_t count_values(const NamedTensors& tensors);

/// XXH3-128 of names, shapes and values, as 32 hexadecimal digits.
std::string content_hash(const NamedTensors& tensors);
/// XXH3-128 of a text.
std::string content_hash(std::string_view text);

}  // namespace untiled
