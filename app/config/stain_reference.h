// data.stain.reference: the stains that slides are made to look like.
#pragma once

#include <optional>
#include <string>

#include "app/config/value.h"
#include "lib/filters/stains.h"

namespace untiled {

/// For people: what `read_stain_reference` takes.
std::string stain_reference_type();

/// The path of a stains file, which is read now so that settings hold its numbers, or the numbers
/// themselves as `stain_reference_node` writes them; nothing or an empty text is none. Throws
/// ConfigError.
std::optional<filters::Stains> read_stain_reference(const Value& value);

/// {vectors: [[r, g, b], [r, g, b]], high: [h, e]}, which is read back bit for bit; null for none.
YAML::Node stain_reference_node(const std::optional<filters::Stains>& reference);

}  // namespace untiled
