// The key that a misspelt one was probably meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace untiled {

/// Edits (insert, delete, replace, swap neighbours) from `a` to `b`: the optimal string alignment
/// distance (Damerau 1964).
int edit_distance(std::string_view a, std::string_view b);

/// The one of `keys` that `unknown` is nearest to. The last part of a dotted key counts most, and
/// initials ("lr") stand for their words ("learning_rate"); of what lies below a key
/// ("train.steps.x") that one. Empty where the nearest has nothing in common with it. `keys` must
/// not be empty.
std::string nearest_key(std::string_view unknown, const std::vector<std::string>& keys);

}  // namespace untiled
