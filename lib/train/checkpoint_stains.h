// The stains that a network saw, as its checkpoint keeps them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "lib/filters/stains.h"

namespace untiled {

/// {"method": "macenko", "vectors": [[r, g, b], [r, g, b]], "high": [h, e]}: what data.stain says,
/// in numbers that give the same bits again.
nlohmann::ordered_json stains_to_json(const filters::Stains& reference);

/// Throws DataError for another method or numbers that are no stains, and nlohmann's exceptions for
/// another form.
filters::Stains stains_from_json(const nlohmann::json& json);

}  // namespace untiled
